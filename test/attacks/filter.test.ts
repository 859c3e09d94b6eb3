/** K2: another ABI, another way into the kernel, code that lies in no file. What the filter answers is seen on a real kernel. */
import { expect } from "vitest";
import { ARCH, AttackScript } from "../support/attack-program.ts";
import { goRound } from "../support/kernel-attacks.ts";
import { describeSandbox } from "../support/matrix.ts";

const FOREIGN = ["int 0x80: child", "int 0x80 mount: child", "x32: child", "x32 execve: child"];
const REFUSED = [
  "io_uring_setup",
  "memfd_create",
  "execveat",
  "personality READ_IMPLIES_EXEC",
  "personality LINUX32",
  "personality NO_RANDOMIZE with high bits",
  "bpf",
  "userfaultfd",
  "perf_event_open",
];

describeSandbox("K2: ways round the filter", ["root", "list"], (bench) => {
  bench.test("a foreign ABI ends its process, everything else is refused", async () => {
    const { answers } = await bench.lab.attack(goRound(new AttackScript()));
    expect(answers).toEqual({
      ...(ARCH === "x64" ? Object.fromEntries(FOREIGN.map((name) => [name, "SIGSYS"])) : {}),
      ...Object.fromEntries(REFUSED.map((name) => [name, "EPERM"])),
      "execveat: child": "exit 0",
      "personality: child": "exit 0",
      "personality asked for": "ok",
    });
  });

  bench.test("outside nobody is ended, and what the host permits succeeds", async () => {
    const { answers } = await bench.lab.control(goRound(new AttackScript()));
    if (ARCH === "x64") for (const name of FOREIGN) expect(answers[name]).toBe("exit 0");
    // The code in memory was run in place of the child that would have reported: it ends with 1.
    expect(answers["execveat: child"]).toBe("exit 1");
    for (const name of ["memfd_create", "personality READ_IMPLIES_EXEC", "personality LINUX32"]) {
      expect(answers[name], name).toBe("ok");
    }
    // A host may have them off, and then says so in other words than the filter's.
    expect(answers["io_uring_setup"]).toMatch(/^(ok|EPERM|ENOSYS)$/);
    if (bench.who === "root") expect(answers["userfaultfd"]).toMatch(/^(ok|ENOSYS)$/);
  });
});
