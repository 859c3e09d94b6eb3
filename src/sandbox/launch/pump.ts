/**
 * Pumps: tiny processes outside of the sandbox that copy between a file of the caller's and a pipe of the agent's. They are
 * made by the launcher before it gives up its authority, hold nothing but their two descriptors, and end with their source
 * or when nobody is left at the other end.
 */
import {
  AT_FDCWD,
  CLOSE_RANGE_LAST,
  call,
  jump,
  label,
  load,
  O_CLOEXEC,
  SIGCHLD,
  store,
  whenEqual,
  whenNegative,
} from "../native/program.ts";
import type { Script } from "./channel.ts";
import type { Stdio } from "./stdio.ts";

/** Where a pump keeps its two descriptors while it closes all others. */
const SOURCE = 10;
const SINK = 11;
const CHUNK = 65_536;

/** Memory that the pumps of a program need, for its `buffers`. */
export const PUMP_BUFFER = { chunk: CHUNK } as const;

/**
 * Puts pipes in the place of files on 0, 1 and 2 of this program, each with its pump. With an owner the pipes are the
 * agent's to open anew, as `/dev/stdout` does.
 */
export function startPumps(
  script: Script,
  { pumped, together, empty }: Stdio,
  owner: { readonly uid: number; readonly gid: number } | undefined,
): void {
  if (empty) {
    script.must("openat", [AT_FDCWD, { text: "/dev/null" }, O_CLOEXEC, 0], "in the place of somebody else's terminal");
    script.add(store("opened"));
    script.must("dup3", [{ slot: "opened" }, 0, 0], "in the place of somebody else's terminal (K3)");
  }
  for (const descriptor of pumped) {
    if (descriptor === 2 && together) continue; // It has the pipe of 1 already.
    startPump(script, descriptor);
    const ends = descriptor === 1 && together ? [1, 2] : [descriptor];
    const own = { slot: descriptor === 0 ? "pipe-read" : "pipe-write" };
    if (owner !== undefined) script.must("fchown", [own, owner.uid, owner.gid], "the pipe is the agent's");
    for (const end of ends) script.must("dup3", [own, end, 0], "the agent gets a pipe in the file's place (F8)");
    for (const slot of ["pipe-read", "pipe-write"]) script.may("close", [{ slot }], "the pipe is in its place");
  }
}

function startPump(script: Script, descriptor: number): void {
  script.must("pipe2", [{ address: "pipe" }, O_CLOEXEC], `the pipe in the place of descriptor ${descriptor}`);
  script.add(load("pipe"), { op: "and", mask: 0x7fff_ffff }, store("pipe-read"));
  script.add(load("pipe"), { op: "shift-right", bits: 32 }, store("pipe-write"));
  script.must("clone", [SIGCHLD, 0, 0, 0, 0], `what copies between descriptor ${descriptor} and its pipe`);
  script.add({ op: "branch", when: "not-equal", value: 0, to: `pumped-${descriptor}` });
  const [source, sink] = descriptor === 0 ? [descriptor, { slot: "pipe-write" }] : [{ slot: "pipe-read" }, descriptor];
  script.may("dup3", [source, SOURCE, 0], "from here");
  script.may("dup3", [sink, SINK, 0], "to there");
  script.may("close_range", [0, SOURCE - 1, 0], "nothing else");
  script.may("close_range", [SINK + 1, CLOSE_RANGE_LAST, 0], "nothing else");
  const again = `pump-${descriptor}`;
  const done = `drained-${descriptor}`;
  script.add(label(again), call("read", [SOURCE, { address: "chunk" }, CHUNK]));
  script.add(whenEqual(0, done), whenNegative(done), store("length"));
  // A pipe takes all of it or has no reader left; so does a file, or its disk is full.
  script.add(call("write", [SINK, { address: "chunk" }, { slot: "length" }]));
  script.add({ op: "branch-slot", equal: "length", to: again }, jump(done));
  script.add(label(done), call("exit_group", [0]), label(`pumped-${descriptor}`));
}
