/** The rows of the comparison that ask the kernel rather than the file system. */
import { createServer } from "node:net";
import { join } from "node:path";
import { AttackScript } from "./attack-program.ts";
import { attack, judge, names, type Place, REFUSALS, type Row } from "./comparison-verdict.ts";
import { changeMounts, goRound, makeNamespaces, reachHost } from "./kernel-attacks.ts";
import { processesNaming, until } from "./truth.ts";

export const KERNEL: readonly Row[] = [
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
