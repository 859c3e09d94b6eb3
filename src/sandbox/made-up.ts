/** For tests: an agent, a host and a release that nobody has, all the same every time. Nothing here touches the disk. */
import type { Agent, SealedEntry } from "../policy/types.ts";
import type { HostFacts } from "./facts.ts";
import type { Overlay, Release } from "./store/release.ts";

const COMMON = {
  name: "trader",
  run: ["python3", "trade.py"],
  read: [],
  env: { TZ: "UTC" },
  resources: {},
  allow: [],
  accept: [],
  tools: [],
} as const;

/** An agent of the sealed shape: everything in `root` is sealed but for what is mutable. */
export function rootAgent(root: string, mutable: readonly string[], more: Partial<Agent> = {}): Agent {
  return { ...COMMON, shape: { kind: "root", root, mutable }, ...more };
}

/** An agent of the other shape. A name with a slash at its end stands for a directory. */
export function workspaceAgent(
  workspace: string,
  sealed: readonly (string | SealedEntry)[],
  more: Partial<Agent> = {},
): Agent {
  const entries = sealed.map((entry) =>
    typeof entry === "string" ? { path: entry.replace(/\/$/, ""), directory: entry.endsWith("/") } : entry,
  );
  return { ...COMMON, shape: { kind: "workspace", workspace, sealed: entries }, ...more };
}

/** A host with a merged `/usr`, as an ordinary user finds it. */
export function hostFacts(more: Partial<HostFacts> = {}): HostFacts {
  return {
    arch: "x64",
    root: false,
    agentUid: 1000,
    agentGid: 1000,
    bubblewrap: { path: "/usr/bin/bwrap", version: "0.11.0" },
    systemDirectories: [
      { name: "/bin", link: "usr/bin" },
      { name: "/lib", link: "usr/lib" },
      { name: "/lib64", link: "usr/lib64" },
    ],
    own: { etc: "/state/etc/made-1/etc", empty: "/state/etc/made-1/empty" },
    covered: ["/proc/keys"],
    read: [],
    ...more,
  };
}

export function release(more: Partial<Release> = {}): Release {
  return {
    digest: `sha256:${"ab".repeat(32)}`,
    tree: "/state/releases/abab/tree",
    overlays: [],
    mutableKinds: {},
    ...more,
  };
}

/** A sealed name of a workspace whose content lies in `release()`. */
export function overlay(path: string, kind: "file" | "directory", more: Partial<Overlay> = {}): Overlay {
  return { path, kind, source: `/state/releases/abab/tree/${path}`, absent: false, standIn: false, ...more };
}
