/** K3: putting characters into the terminal that the launching person will use next. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { AT_FDCWD, AttackScript, O_RDWR, readReport, text } from "../support/attack-program.ts";
import { type Ended, start } from "../support/hardline.ts";
import type { Lab } from "../support/lab.ts";
import { type Bench, describeSandbox } from "../support/matrix.ts";

const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const TIOCCONS = 0x541d;
const TIOCSCTTY = 0x540e;
const TYPED = "id\n";

function type(script: AttackScript): AttackScript {
  for (const character of TYPED) {
    script.attempt(`TIOCSTI ${JSON.stringify(character)}`, "ioctl", [0, TIOCSTI, text(character)]);
  }
  script.attempt("TIOCSTI with high bits", "ioctl", [0, (1n << 32n) | BigInt(TIOCSTI), text("i")]);
  script.attempt("TIOCLINUX", "ioctl", [0, TIOCLINUX, { bytes: Uint8Array.of(2) }]);
  script.attempt("TIOCCONS", "ioctl", [0, TIOCCONS, 0]);
  // The leader of a session without a terminal may ask for one.
  script.attempt("setsid", "setsid", []);
  script.attempt("TIOCSCTTY", "ioctl", [0, TIOCSCTTY, 1]);
  script.attempt("open it again", "openat", [AT_FDCWD, text("/proc/self/fd/0"), O_RDWR, 0]).keep("again");
  script.attempt("TIOCSTI by the new one", "ioctl", [{ slot: "again" }, TIOCSTI, text("i")]);
  script.attempt("/dev/tty", "openat", [AT_FDCWD, text("/dev/tty"), O_RDWR, 0]);
  return script;
}

/** Runs a shell line on a terminal of its own. Afterwards whoever sits there reads what was typed. */
async function onTerminal({ lab }: Bench, line: string): Promise<Ended> {
  const session = `${line}; IFS= read -r -t 0.5 typed; echo "typed=[$typed]"`;
  const script = ["/usr/bin/script", "-qec", `/bin/bash -c ${quote(session)}`, "/dev/null"];
  return await start(script, { as: lab.as, cwd: lab.project, input: "pipe", env: { TERM: "dumb" } }).ended;
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** The records go into a file: a terminal would rewrite them. */
function reportOf(lab: Lab, script: AttackScript) {
  return readReport(script.attempts, readFileSync(join(lab.state, "report"))).answers;
}

describeSandbox("K3: the launching terminal", ["root", "list"], (bench) => {
  const script = type(new AttackScript());

  bench.test("nothing can be typed into it, and it is not the agent's", async () => {
    const { lab } = bench;
    const attack = `${lab.program(script)} > state/report`;
    const { status, stdout } = await onTerminal(bench, lab.words("/bin/sh", "-c", attack).map(quote).join(" "));
    const expected = Object.fromEntries(script.attempts.map(({ name }) => [name, "EPERM"]));
    expect(reportOf(lab, script)).toEqual({
      ...expected,
      setsid: "ok",
      // As root the agent has another uid than the terminal's owner.
      "open it again": bench.who === "root" ? "EACCES" : "ok",
      "/dev/tty": "ENXIO",
    });
    expect(status).toBe(0);
    expect(stdout.toString()).toContain("typed=[]");
  });

  bench.test("the agent sees that it is a terminal", async () => {
    const { lab } = bench;
    const line = lab.words("/bin/sh", "-c", "test -t 0 && test -t 1 && echo terminal").map(quote).join(" ");
    expect((await onTerminal(bench, line)).stdout.toString()).toContain("terminal\r\n");
  });

  bench.test("the control: outside the same program types", async () => {
    const { lab } = bench;
    const { stdout } = await onTerminal(bench, `${lab.program(script)} > ${join(lab.state, "report")}`);
    const answers = reportOf(lab, script);
    expect(answers["open it again"]).toBe("ok");
    if (bench.who === "root") {
      // Since Linux 6.2 a host may have it off for everybody else.
      expect(answers['TIOCSTI "i"']).toBe("ok");
      expect(stdout.toString()).toContain("typed=[id]");
    } else expect(answers['TIOCSTI "i"']).toMatch(/^(ok|EIO)$/);
  });
});
