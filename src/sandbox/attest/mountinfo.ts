/** Reads `/proc/<pid>/mountinfo`. Source: `proc_pid_mountinfo(5)`. */
import { parentsWithin } from "../../core/paths.ts";

export interface MountEntry {
  /** Of the mount itself and of the one it hangs in. */
  readonly id: string;
  readonly parent: string;
  /** `major:minor` of the file system. */
  readonly device: string;
  /** Which directory or file of that file system is mounted. */
  readonly root: string;
  readonly target: string;
  readonly options: readonly string[];
  readonly type: string;
}

/** Throws `RangeError` for a line that is none: a mount that cannot be read must not count as one that is not there. */
export function parseMountinfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [front, back] = line.split(" - ");
    const [id, parent, device, root, target, options] = front?.split(" ") ?? [];
    const type = back?.split(" ")[0];
    if (!(id && parent && device && root && target && options && type)) {
      throw new RangeError(`not a line of a mount table: ${JSON.stringify(line)}`);
    }
    entries.push({
      id,
      parent,
      device,
      root: unescapeOctal(root),
      target: unescapeOctal(target),
      options: options.split(","),
      type,
    });
  }
  return entries;
}

/** Blank, tab, line break and backslash are written as three octal digits; other bytes stand as they are, in UTF-8. */
function unescapeOctal(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** The mounts of a namespace as they can be seen: what another mount covers is left out, with all that hangs in it. */
export function visibleMounts(entries: readonly MountEntry[]): MountEntry[] {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  /** Where something hangs in a mount, by the mount's id. */
  const hangs = new Map<string, Set<string>>();
  for (const { id, parent, target } of entries) {
    if (parent !== id) hangs.set(parent, (hangs.get(parent) ?? new Set()).add(target));
  }
  // A mount on top of another hangs in it at its very root, with the same path.
  const isCovered = ({ id, target }: MountEntry): boolean => hangs.get(id)?.has(target) === true;
  /** Whether its path leads elsewhere by now, whatever lies on top of it. `depth` ends what a forged table would not. */
  const isOutOfReach = (entry: MountEntry, depth: number): boolean => {
    const parent = byId.get(entry.parent);
    if (parent === undefined || parent === entry || depth > entries.length) return false;
    // The mount that covers its parent is what is seen there; it is not hidden by having covered it.
    if (parent.target !== entry.target && isCovered(parent)) return true;
    const beside = hangs.get(parent.id);
    const above = parentsWithin(entry.target.slice(1)).map((path) => `/${path}`);
    return above.some((path) => path !== parent.target && beside?.has(path)) || isOutOfReach(parent, depth + 1);
  };
  return entries.filter((entry) => !(isCovered(entry) || isOutOfReach(entry, 0)));
}

/** Which file system, and what in it, a path of this namespace is: what a bind mount of it will show. */
export function locate(
  visible: readonly MountEntry[],
  path: string,
): { readonly device: string; readonly root: string } {
  let best: MountEntry | undefined;
  for (const entry of visible) {
    const inside = entry.target === "/" || path === entry.target || path.startsWith(`${entry.target}/`);
    if (inside && (best === undefined || entry.target.length >= best.target.length)) best = entry;
  }
  if (best === undefined) throw new RangeError(`no mount holds ${path}`);
  const rest = best.target === "/" ? path : path.slice(best.target.length);
  const root = best.root === "/" ? rest : `${best.root}${rest}`;
  return { device: best.device, root: root === "" ? "/" : root };
}
