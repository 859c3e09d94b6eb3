/**
 * The same attacks under Hardline and under another sandbox, as one table. Every cell is judged by one rule from what the
 * kernel answered and from what the host's files say afterwards; nothing is known beforehand of who should hold.
 */
import { existsSync, linkSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Answers, AttackScript, readReport } from "./attack-program.ts";
import { changeFile, createName, renameDirectory, replaceFile } from "./file-attacks.ts";
import type { Ended, StartOptions } from "./hardline.ts";
import { INTERPRETER_ATTACKS, NODE_DIRECTORY } from "./interpreter-attacks.ts";
import { changeMounts, goRound, makeNamespaces, reachHost } from "./kernel-attacks.ts";
import type { Lab, LabOptions } from "./lab.ts";
import { processesNaming, snapshot, until } from "./truth.ts";

/** A sandbox under comparison: what its column is called, its lab, and the words that run a command in it. */
export interface Contender {
  readonly name: string;
  readonly lab: (options: Partial<LabOptions>) => Lab;
  readonly words: (lab: Lab, command: readonly string[]) => readonly string[];
}

export type Run = (command: readonly string[], options?: Omit<StartOptions, "as">) => Promise<Ended>;

export interface Row {
  readonly id: string;
  readonly what: string;
  readonly attempt: (place: Place) => Promise<string>;
  readonly lab?: Partial<LabOptions>;
}

export interface Place {
  readonly lab: Lab;
  readonly run: Run;
}

/** Answers by which a kernel mechanism says no. EACCES and what is not in here can come from elsewhere: inconclusive. */
const REFUSALS = [
  "EROFS",
  "EBUSY",
  "EPERM",
  "ENOSYS",
  "EXDEV",
  "EEXIST",
  "EAFNOSUPPORT",
  "SIGSYS",
  "ESRCH",
  "EBADF",
  "ENOKEY",
];
const NOT_STARTED = 125;

const unique = (words: Iterable<string>): string => [...new Set(words)].join(", ");

/** The verdict over the attempts that would each be a success of the attacker's. */
function judge(answers: Answers, names: readonly string[], refusals: readonly string[] = REFUSALS): string {
  const succeeded = names.filter((name) => answers[name] === "ok" || answers[name] === "exit 0");
  if (succeeded.length > 0) return `broken (${unique(succeeded)})`;
  const answered = names.map((name) => answers[name] ?? "no answer");
  const doubtful = answered.filter((answer) => !refusals.includes(answer));
  return doubtful.length > 0 ? `inconclusive (${unique(doubtful)})` : `held (${unique(answered)})`;
}

async function attack({ lab, run }: Place, script: AttackScript, options?: Omit<StartOptions, "as">): Promise<Answers> {
  const { status, stdout, stderr } = await run([lab.program(script)], options);
  if (status !== 0) throw new Error(`ended with ${status}: ${stderr.slice(0, 300)}`);
  return readReport(script.attempts, stdout).answers;
}

const SEALED = ["limits.txt", "code", "kept"];

/** What is sealed, as the host sees it; times of directories move with mount points that come and go. */
function sealedTruth(lab: Lab): string {
  const seen = Object.entries(snapshot(lab.project)).filter(([path]) =>
    SEALED.some((name) => path === name || path.startsWith(`${name}/`)),
  );
  return JSON.stringify(
    seen.map(([path, entry]) => [
      path,
      entry.content,
      entry.mode,
      entry.owner,
      entry.links,
      String(entry.kind === "file" ? entry.modified : 0),
    ]),
  );
}

async function withTruth(place: Place, verdict: () => Promise<string>): Promise<string> {
  const before = sealedTruth(place.lab);
  const answer = await verdict();
  return sealedTruth(place.lab) === before ? answer : `broken (the host's file changed; ${answer})`;
}

const names = (script: AttackScript, except: readonly string[] = []): string[] =>
  script.attempts.map(({ name }) => name).filter((name) => !(except.includes(name) || name.endsWith(": child")));

/** What is the same on any file, because the descriptor may only read. */
const BY_DESCRIPTOR = [
  "open O_RDONLY",
  "mmap MAP_SHARED for reading",
  "mmap MAP_SHARED for writing",
  "mprotect it for writing",
  "ftruncate O_RDONLY",
];

const FILES: readonly Row[] = [
  {
    id: "F1",
    what: "write, truncate, chmod, utimes, setxattr … a sealed file",
    attempt: (place) =>
      withTruth(place, async () => {
        const script = changeFile(new AttackScript(), place.lab.limits);
        return judge(await attack(place, script), names(script, BY_DESCRIPTOR), ["EROFS", "EBADF"]);
      }),
  },
  {
    id: "F2",
    what: "unlink or rename it, put something else in its place",
    attempt: (place) =>
      withTruth(place, async () => {
        const { lab } = place;
        const script = replaceFile(new AttackScript(), lab.rules, join(lab.project, "code/deep"), lab.state);
        return judge(await attack(place, script), names(script));
      }),
  },
  {
    id: "F3",
    what: "rename a directory above it, make the path anew",
    attempt: (place) =>
      withTruth(place, async () => {
        const script = new AttackScript();
        for (const path of ["code/deep", "code", "."]) renameDirectory(script, path, join(place.lab.project, path));
        const own = names(script).filter((name) => !name.startsWith(".: "));
        // `.` itself answers EBUSY everywhere; the project's own name is what counts.
        renameDirectory(script, "the project", place.lab.project);
        return judge(await attack(place, script), [...own, "the project: rename", "the project: rmdir"]);
      }),
  },
  {
    id: "F4",
    what: "create a sealed name that is absent, or take its stand-in away",
    attempt: async (place) => {
      const { lab } = place;
      const script = createName(new AttackScript(), "absent", join(lab.project, "absent.txt"), lab.state);
      const verdict = judge(await attack(place, script), names(script, ["absent: rmdir"]));
      await until("nothing is left of it", () => !existsSync(join(lab.project, "absent.txt")) || undefined, 2000).catch(
        () => undefined,
      );
      return existsSync(join(lab.project, "absent.txt")) ? `${verdict}, and a file is left on the host` : verdict;
    },
  },
  {
    id: "F5",
    what: "a symlink in the sealed file's place before the start",
    attempt: async ({ lab, run }) => {
      const victim = lab.write("victim.txt", "daily loss cap: -50\n");
      const aside = join(lab.directory, "aside");
      renameSync(lab.limits, aside);
      symlinkSync(victim, lab.limits);
      try {
        const { status, stdout, stderr } = await run(["/bin/cat", lab.limits]);
        if (status === NOT_STARTED && stderr.includes(lab.limits)) return "held (refused, named)";
        if (stdout.toString().includes("-50")) return "broken (the link is followed)";
        return stderr.includes("No such file") ? "held (it leads nowhere inside)" : `inconclusive (status ${status})`;
      } finally {
        rmSync(lab.limits);
        renameSync(aside, lab.limits);
      }
    },
  },
  {
    id: "F7",
    what: "write through a hard link made beforehand",
    attempt: async ({ lab, run }) => {
      const alias = join(lab.state, "alias.txt");
      linkSync(lab.limits, alias);
      try {
        const { status, stdout, stderr } = await run(["/bin/sh", "-c", `echo forged > ${alias}; cat ${lab.limits}`]);
        if (status === NOT_STARTED && stderr.includes("hard-link")) return "held (refused, named)";
        return stdout.toString().includes("forged") ? "broken (what runs has changed)" : "held (what runs is a copy)";
      } finally {
        rmSync(alias);
        lab.write("desk/limits.txt", "daily loss cap: -5\n");
      }
    },
  },
  {
    id: "F8",
    what: "use a descriptor that the launcher left open",
    attempt: async (place) => {
      const script = new AttackScript();
      for (const number of [9, 200, 999])
        script.attempt(`descriptor ${number}`, "openat", [number, { text: ".." }, 0, 0]);
      const wrapper = ["/bin/bash", "-c", 'exec 9</etc 200</etc 999</etc; exec "$@"', "leaking"];
      return judge(await attack(place, script, { wrapper }), names(script), ["EBADF"]);
    },
  },
];

const KERNEL: readonly Row[] = [
  {
    id: "F9",
    what: "mount, remount, move or remove a mount, pivot_root, chroot",
    attempt: async (place) => {
      const script = changeMounts(new AttackScript(), join(place.lab.project, "code"), place.lab.state);
      return judge(await attack(place, script), names(script));
    },
  },
  {
    id: "F10",
    what: "make or enter a namespace",
    attempt: async (place) => {
      const script = makeNamespaces(new AttackScript());
      return judge(await attack(place, script), names(script));
    },
  },
  {
    id: "F11",
    what: "look into process 1, open by handle, make device nodes",
    attempt: async (place) => {
      const { lab } = place;
      const script = reachHost(new AttackScript(), { pid: process.pid, file: lab.policyFile, own: lab.state });
      const ways = [
        "/proc/1/root",
        "/proc/1/mem",
        "the supervisor's root",
        "open_by_handle_at",
        "mknod a block device",
        "mknod a character device",
      ];
      // Process 1 is refused by its own protection, and the supervisor has no number in here: both are exact.
      return judge(await attack(place, script), ways, [...REFUSALS, "EACCES", "ENOENT"]);
    },
  },
  {
    id: "K1",
    what: "read a key from the caller's session keyring",
    attempt: async (place) => {
      const name = "hardline-comparison";
      const wrapper = [
        "/usr/bin/keyctl",
        "session",
        "-",
        "/bin/sh",
        "-c",
        `keyctl add user ${name} secret @s >/dev/null && exec "$@"`,
        "key",
      ];
      const script = new AttackScript().attempt("keyctl", "keyctl", [10, -3, { text: "user" }, { text: name }, 0]);
      script.attempt("request_key", "request_key", [{ text: "user" }, { text: name }, 0, 0]);
      return judge(await attack(place, script, { wrapper }), names(script));
    },
  },
  ...(
    [
      ["call by a foreign ABI", ["int 0x80: child", "x32: child"]],
      ["io_uring", ["io_uring_setup"]],
      ["run code from memory", ["memfd_create"]],
      ["personality", ["personality READ_IMPLIES_EXEC", "personality LINUX32"]],
      ["userfaultfd, bpf, perf", ["userfaultfd", "bpf", "perf_event_open"]],
    ] as const
  ).map(
    ([what, ways]): Row => ({
      id: "K2",
      what,
      attempt: async (place) => judge(await attack(place, goRound(new AttackScript())), ways),
    }),
  ),
  {
    id: "K4",
    what: "signal or trace a process of the same user outside",
    attempt: async (place) => {
      const script = new AttackScript();
      script.attempt("kill", "kill", [process.pid, 0]);
      script.attempt("process_vm_readv", "process_vm_readv", [process.pid, 0, 0, 0, 0, 0]);
      return judge(await attack(place, script), ["kill"]);
    },
  },
  {
    id: "K5",
    what: "open netlink, packet, vsock and alg sockets",
    attempt: async (place) => {
      const script = new AttackScript();
      for (const [name, family] of Object.entries({ netlink: 16, vsock: 40, alg: 38 }))
        script.attempt(name, "socket", [family, name === "vsock" ? 1 : name === "alg" ? 5 : 3, 0]);
      return judge(await attack(place, script), names(script));
    },
  },
  {
    id: "K5, N1",
    what: "connect to the host's loopback and to an abstract socket",
    attempt: (place) => reachServices(place),
  },
  {
    id: "K6",
    what: "a fork bomb (700 processes)",
    attempt: async (place) => {
      const script = new AttackScript();
      const most = 700;
      for (let child = 0; child < most; child += 1)
        script.attempt(`fork ${child}`, "clone", [17, 0, 0, 0, 0]).ifChild((bomb) => void bomb.forever());
      const answers = await attack(place, script);
      const made = Object.values(answers).filter((answer) => answer === "ok").length;
      return made === most ? `broken (all ${most} were made)` : "held (EAGAIN)";
    },
  },
  {
    id: "K8",
    what: "leave a daemon behind",
    attempt: async ({ lab, run }) => {
      const script = new AttackScript();
      script.detached((child) => {
        child.quietly("setsid", []).detached((daemon) => {
          daemon.quietly("setsid", []);
          for (const descriptor of [0, 1, 2]) daemon.quietly("close", [descriptor]);
          daemon.forever();
        });
      });
      const program = lab.program(script);
      await run([program]);
      const left = await until("gone", () => processesNaming(program).length === 0 || undefined, 1000).then(
        () => [],
        () => processesNaming(program),
      );
      lab.endAll();
      return left.length === 0 ? "held (gone)" : "broken (it lives on)";
    },
  },
];

async function reachServices(place: Place): Promise<string> {
  const abstract = `\0hardline-comparison-${process.pid}`;
  const [tcp, unix] = [createServer((socket) => socket.destroy()), createServer((socket) => socket.destroy())];
  await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
  await new Promise<void>((resolve) => unix.listen({ path: abstract }, resolve));
  const address = tcp.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  try {
    const script = new AttackScript();
    const inet = Uint8Array.of(2, 0, port >> 8, port & 0xff, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    script
      .attempt("TCP: socket", "socket", [2, 1, 0])
      .keep("socket")
      .attempt("TCP", "connect", [{ slot: "socket" }, { bytes: inet }, 16]);
    const path = Buffer.from(`\x01\0${abstract}`, "latin1");
    script
      .attempt("abstract: socket", "socket", [1, 1, 0])
      .keep("socket")
      .attempt("abstract", "connect", [{ slot: "socket" }, { bytes: path }, path.length]);
    const answers = await attack(place, script);
    // Where a socket of that kind cannot even be made, that is the answer.
    const ends = ["TCP", "abstract"].map((name) => (answers[`${name}: socket`] === "ok" ? name : `${name}: socket`));
    return judge(answers, ends, [...REFUSALS, "ECONNREFUSED", "ENETUNREACH"]);
  } finally {
    tcp.close();
    unix.close();
  }
}

/** What a shell says for the errors that planting can meet. */
const PLANTING: Readonly<Record<string, string>> = {
  "Read-only file system": "EROFS",
  "Is a directory": "EISDIR",
  "File exists": "EEXIST",
  "Operation not permitted": "EPERM",
};

const INTERPRETERS: readonly Row[] = INTERPRETER_ATTACKS.map((each): Row => {
  const files = Object.keys(each.files);
  return {
    id: each.id,
    what: each.what,
    lab: { run: each.program, read: [NODE_DIRECTORY], sealed: JSON.stringify(files) },
    attempt: async ({ lab, run }) => {
      // In a file: not every tool hands several words on as they are.
      const plant = lab.write("bin/plant.sh", `${each.plant.map((line) => `( ${line} )`).join("\n")}\nexec "$@"\n`);
      const { status, stdout, stderr } = await run(["/bin/sh", plant, ...each.program]);
      const named = /: ((?:python|node|shell)-[a-z-]+|not-followed): /.exec(stderr)?.[1];
      if (status === NOT_STARTED && named !== undefined) return `held (refused: ${named})`;
      const limit = stdout.toString().trim();
      const answered = Object.entries(PLANTING)
        .filter(([text]) => stderr.includes(text))
        .map(([, errno]) => errno);
      const intact = files.every((file) => readFileSync(join(lab.project, file), "utf8") === each.files[file]);
      if (limit === "-50") return "broken (the limit is -50)";
      return limit === "-5" && intact && answered.length > 0
        ? `held (${unique(answered)})`
        : `inconclusive (${status}: ${limit})`;
    },
  };
});

const VARIABLES: Row = {
  id: "I4",
  what: "a variable of the caller's makes the program load the attacker's code",
  lab: { sealed: '["main.pl"]' },
  attempt: async ({ lab, run }) => {
    const program = lab.write("desk/main.pl", 'print "-5\\n";\n');
    lab.write("desk/state/Evil.pm", 'package Evil; print "-50\\n"; exit 0; 1;\n');
    const { stdout } = await run(["/usr/bin/perl", program], { env: { PERL5OPT: "-MEvil", PERL5LIB: lab.state } });
    const limit = stdout.toString().trim();
    if (limit === "-50") return "broken (the limit is -50)";
    return limit === "-5" ? "held (not in its environment)" : `inconclusive (${limit})`;
  },
};

export const ROWS: readonly Row[] = [...FILES, ...INTERPRETERS, VARIABLES, ...KERNEL];

/** One cell: a fresh lab, the attempt, and the verdict; what did not run at all is said and not judged. */
export async function cell(row: Row, contender: Contender): Promise<string> {
  const lab = contender.lab({ ...row.lab });
  try {
    const attackOf = INTERPRETER_ATTACKS.find(({ what }) => what === row.what);
    for (const [path, content] of Object.entries(attackOf?.files ?? {})) lab.write(join("desk", path), content);
    const run: Run = (command, options = {}) => lab.runWords(contender.words(lab, command), options);
    return await row.attempt({ lab, run });
  } catch (error) {
    return `did not run: ${error instanceof Error ? error.message.split("\n")[0] : error}`;
  } finally {
    lab.remove();
  }
}
