/** The mount table that a plan must lead to, from the plan and the supervisor's own mount table alone. */
import { isInside } from "../../core/paths.ts";
import type { Mount } from "../mounts.ts";
import { locate, type MountEntry } from "./mountinfo.ts";

export interface ExpectedMount {
  readonly target: string;
  readonly access: "ro" | "rw";
  /** File system type, where it is one of the sandbox's own. */
  readonly type?: string;
  /** Which file system and what in it, where it is one of the host's. */
  readonly from?: { readonly device: string; readonly root: string };
  /** Device nodes work here, and nowhere else. */
  readonly devices: boolean;
  /** Whether the host decides if it is there (what bubblewrap covers in `/proc`). */
  readonly optional: boolean;
}

/** What bubblewrap puts into the `/dev` it makes. */
const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"];
/** What it covers in `/proc`, where the agent could write there at all. */
const PROC_COVERS = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"];

export function expectedMounts(
  mounts: readonly Mount[],
  host: readonly MountEntry[],
  terminal: boolean,
): ExpectedMount[] {
  const closed = new Set(mounts.flatMap((mount) => (mount.kind === "remount-read-only" ? [mount.target] : [])));
  const expected: ExpectedMount[] = [own("/", "tmpfs", closed)];
  for (const mount of mounts) {
    switch (mount.kind) {
      case "bind":
        expected.push(...bound(mount, host));
        break;
      case "tmpfs":
        expected.push(own(mount.target, "tmpfs", closed));
        break;
      case "proc":
        expected.push({ ...own(mount.target, "proc", closed), access: "rw" });
        for (const target of PROC_COVERS)
          expected.push({ ...own(target, "proc", closed), access: "ro", optional: true });
        break;
      case "dev":
        expected.push(...devices(mount.target, host, closed, terminal));
        break;
      case "symlink":
      case "directory":
      case "remount-read-only":
        break;
    }
  }
  return expected;
}

function own(target: string, type: string, closed: ReadonlySet<string>): ExpectedMount {
  return { target, type, access: closed.has(target) ? "ro" : "rw", devices: false, optional: false };
}

/** A bind brings along whatever the host has mounted below its source. */
function bound(mount: Extract<Mount, { kind: "bind" }>, host: readonly MountEntry[]): ExpectedMount[] {
  const access = mount.access === "sealed" ? "ro" : "rw";
  const below = host.filter((entry) => entry.target !== mount.source && isInside(entry.target, mount.source));
  return [
    { target: mount.target, access, from: locate(host, mount.source), devices: false, optional: false },
    ...below.map((entry): ExpectedMount => {
      const target = `${mount.target}${entry.target.slice(mount.source === "/" ? 0 : mount.source.length)}`;
      const narrowed = access === "ro" || entry.options.includes("ro") ? "ro" : "rw";
      return {
        target,
        access: narrowed,
        from: { device: entry.device, root: entry.root },
        devices: false,
        optional: false,
      };
    }),
  ];
}

function devices(
  target: string,
  host: readonly MountEntry[],
  closed: ReadonlySet<string>,
  terminal: boolean,
): ExpectedMount[] {
  return [
    own(target, "tmpfs", closed),
    ...DEVICES.map(
      (name): ExpectedMount => ({
        target: `${target}/${name}`,
        access: "rw",
        from: locate(host, `/dev/${name}`),
        devices: true,
        optional: false,
      }),
    ),
    { ...own(`${target}/pts`, "devpts", closed), devices: true },
    // Standard output's terminal, by another name.
    ...(terminal ? [{ target: `${target}/console`, access: "rw", devices: true, optional: true } as const] : []),
  ];
}
