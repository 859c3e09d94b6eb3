/** K6 and F13: processes, memory, descriptors and disk, each up to its limit and no further. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "vitest";
import { AT_FDCWD, AttackScript, O_CREAT, O_RDWR, text } from "../support/attack-program.ts";
import { start } from "../support/hardline.ts";
import { Lab } from "../support/lab.ts";
import { describeSandbox } from "../support/matrix.ts";
import { processesNaming, until } from "../support/truth.ts";

const PROCESSES = 24;
const OPEN_FILES = 32;
const MEBIBYTE = 1024 * 1024;
const LIMITS = [`    resources: { processes: ${PROCESSES}, open_files: ${OPEN_FILES}, tmp: 1MiB, file_size: 1MiB }`];
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS_POPULATE = 0x8022;
const SIG_SETMASK = 2;

function count(answers: Readonly<Record<string, string>>, prefix: string): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const [name, answer] of Object.entries(answers)) {
    if (name.startsWith(prefix)) counted[answer] = (counted[answer] ?? 0) + 1;
  }
  return counted;
}

function forkBomb(children: number): AttackScript {
  const script = new AttackScript();
  for (let child = 0; child < children; child += 1) {
    script.attempt(`fork ${child}`, "clone", [17, 0, 0, 0, 0]);
    script.ifChild((bomb) => void bomb.forever());
  }
  return script;
}

function fill(own: string): AttackScript {
  const script = new AttackScript();
  for (let number = 0; number < OPEN_FILES + 8; number += 1) script.attempt(`dup ${number}`, "dup", [1]);
  script.quietly("close_range", [3, 0xffff_ffff, 0]);
  for (const place of ["/tmp/filled", "/dev/shm/filled"]) {
    script.quietly("openat", [AT_FDCWD, text(place), O_RDWR | O_CREAT, 0o644]).keep("file");
    script.attempt(`half of ${place}`, "fallocate", [{ slot: "file" }, 0, 0, MEBIBYTE / 2]);
    script.quietly("close", [{ slot: "file" }]);
    // Below the limit on one file, over the size of the file system together.
    script.quietly("openat", [AT_FDCWD, text(`${place}.more`), O_RDWR | O_CREAT, 0o644]).keep("file");
    script.attempt(`more of ${place}`, "fallocate", [{ slot: "file" }, 0, 0, MEBIBYTE - 4096]);
    script.quietly("close", [{ slot: "file" }]);
  }
  script.quietly("openat", [AT_FDCWD, text(own), O_RDWR | O_CREAT, 0o644]).keep("file");
  script.attempt("a file of 1 MiB", "ftruncate", [{ slot: "file" }, MEBIBYTE]);
  script.inChild("a larger file: child", (child) => {
    child.attempt("a larger file", "ftruncate", [{ slot: "file" }, MEBIBYTE + 1]);
  });
  script.quietly("rt_sigprocmask", [SIG_SETMASK, { bytes: new Uint8Array(8).fill(0xff) }, 0, 8]);
  script.attempt("a larger file, unheard", "ftruncate", [{ slot: "file" }, MEBIBYTE + 1]);
  // The limits are hard ones.
  const unlimited = { bytes: new Uint8Array(16).fill(0xff) };
  for (const [name, resource] of [
    ["processes", 6],
    ["descriptors", 7],
    ["file size", 1],
  ] as const) {
    script.attempt(`raise ${name}`, "prlimit64", [0, resource, unlimited, 0]);
  }
  return script;
}

describeSandbox(
  "K6: limits",
  ["root", "list"],
  (bench) => {
    bench.test("a fork bomb ends at the limit, the host goes on, and nothing is left of it", async () => {
      const { answers } = await bench.lab.attack(forkBomb(PROCESSES * 3));
      const counted = count(answers, "fork");
      expect(Object.keys(counted).sort()).toEqual(["EAGAIN", "ok"]);
      // The limit counts the agent itself, and where no control group does, the gate too.
      expect(counted["ok"]).toBeGreaterThanOrEqual(PROCESSES - 4);
      expect(counted["ok"]).toBeLessThan(PROCESSES);
      expect(execFileSync("/bin/echo", ["the host forks"], { encoding: "utf8" })).toBe("the host forks\n");
      await until(
        "every process of it has ended",
        () => processesNaming(bench.lab.directory).length === 0 || undefined,
        2000,
      );
    });

    bench.test("the control: as many below the limit are made", async () => {
      const { answers } = await bench.lab.attack(forkBomb(PROCESSES - 6));
      expect(count(answers, "fork")).toEqual({ ok: PROCESSES - 6 });
    });

    bench.test("descriptors, /tmp, /dev/shm and files end at theirs, and none can be raised", async () => {
      const { answers } = await bench.lab.attack(fill(join(bench.lab.state, "grown")));
      // Standard input, output and error are open already.
      expect(count(answers, "dup")).toEqual({ ok: OPEN_FILES - 3, EMFILE: 8 + 3 });
      expect(answers).toMatchObject({
        "half of /tmp/filled": "ok",
        "more of /tmp/filled": "ENOSPC",
        "half of /dev/shm/filled": "ok",
        "more of /dev/shm/filled": "ENOSPC",
        "a file of 1 MiB": "ok",
        "a larger file: child": "SIGXFSZ",
        "a larger file, unheard": "EFBIG",
        "raise processes": "EPERM",
        "raise descriptors": "EPERM",
        "raise file size": "EPERM",
      });
    });
  },
  { agent: LIMITS },
);

const MEMORY = ["    resources: { memory: 64MiB }"];

describeSandbox(
  "K6: memory",
  ["root", "list"],
  (bench) => {
    const eat = (mebibytes: number): AttackScript =>
      new AttackScript().inChild("child", (child) => {
        const map = [0, mebibytes * MEBIBYTE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_POPULATE, -1, 0] as const;
        child.attempt("map", "mmap", map);
      });

    bench.test("beyond the limit the kernel ends who took it, below it nobody", async () => {
      expect((await bench.lab.attack(eat(16))).answers).toEqual({ child: "exit 0", map: "ok" });
      const script = eat(256);
      const { status, stdout } = await bench.lab.run([bench.lab.program(script)]);
      // The child alone, or the agent with it: in either case nobody has 256 MiB.
      expect([0, 137]).toContain(status);
      if (status === 0) expect(stdout.readBigInt64LE(8)).toBe(9n);
    });
  },
  { agent: MEMORY, as: ["root"] },
);

// Where no control group is granted, a limit that was asked for is a refusal and never a promise (K7).
describeSandbox(
  "K6: memory where no control group is granted",
  ["root"],
  (bench) => {
    bench.test("is refused by name, with the remedy", async (context) => {
      const lab = new Lab({ shape: "root", who: "user", agent: MEMORY });
      const { status, stderr, stdout } = await lab.run(["/bin/echo", "started"]);
      lab.remove();
      // A user session with delegated control groups keeps the limit instead.
      if (status === 0) return context.skip("this host grants ordinary users a control group");
      expect({ status, stdout: stdout.toString() }).toEqual({ status: 125, stdout: "" });
      expect(stderr).toContain("resources.memory cannot be kept");
      expect(stderr).toContain("Delegate=yes");
    });

    bench.test("the control: without the limit the same agent starts", async () => {
      expect((await bench.lab.run(["/bin/true"])).status).toBe(0);
      expect((await start(["/bin/true"], { as: bench.lab.as }).ended).status).toBe(0);
    });
  },
  { as: ["user"] },
);
