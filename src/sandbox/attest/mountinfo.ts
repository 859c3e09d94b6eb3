/** Reads `/proc/<pid>/mountinfo`. Source: `proc_pid_mountinfo(5)`. */

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

export function parseMountinfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split("\n")) {
    const [front, back] = line.split(" - ");
    const [id, parent, device, root, target, options] = front?.split(" ") ?? [];
    const type = back?.split(" ")[0];
    if (!(id && parent && device && root && target && options && type)) continue;
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

/** Blank, tab, line break and backslash are written as three octal digits, byte by byte. */
function unescapeOctal(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** The mounts of a namespace as they can be seen: what another mount covers is left out, with all that hangs in it. */
export function visibleMounts(entries: readonly MountEntry[]): MountEntry[] {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const covered = new Set<string>();
  for (const entry of entries) {
    // A mount on top of another hangs in it at its very root, with the same path.
    if (byId.get(entry.parent)?.target === entry.target && entry.parent !== entry.id) covered.add(entry.parent);
  }
  if (covered.size === 0) return [...entries];
  const isHidden = (entry: MountEntry | undefined, depth: number): boolean => {
    if (entry === undefined || depth > entries.length) return false;
    if (covered.has(entry.id)) return true;
    const parent = byId.get(entry.parent);
    // The mount that covers its parent is what is seen there; it is not hidden by having covered it.
    if (parent === undefined || parent.target === entry.target) return isHidden(byId.get(parent?.parent ?? ""), depth + 1);
    return isHidden(parent, depth + 1);
  };
  return entries.filter((entry) => !isHidden(entry, 0));
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
