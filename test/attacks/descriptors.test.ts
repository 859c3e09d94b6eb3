/** F8: a descriptor that the launching process left open, by which the agent would step out of its root. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { AT_FDCWD, AttackScript, O_DIRECTORY, text } from "../support/attack-program.ts";
import { start } from "../support/hardline.ts";
import { IS_ROOT } from "../support/identity.ts";
import { describeSandbox } from "../support/matrix.ts";
import { runProcesses } from "../support/truth.ts";

const F_GETFD = 1;
/** Low ones, one beyond what Node.js opens itself, one beyond what it ever looks at. */
const LEAKED = [3, 4, 7, 9, 63, 200, 251, 999];

/** A shell that leaves descriptors without close-on-exec and then becomes what it is given. */
function leaking(directory: string): string[] {
  const redirections = LEAKED.map((number) => `${number}<${number % 2 === 0 ? "/etc/passwd" : directory}`).join(" ");
  return ["/bin/bash", "-c", `exec ${redirections}; exec "$@"`, "leaking"];
}

function useDescriptors(): AttackScript {
  const script = new AttackScript();
  for (const number of LEAKED) {
    script.attempt(`descriptor ${number}`, "fcntl", [number, F_GETFD, 0]);
    script.attempt(`chdir by ${number}`, "fchdir", [number]);
    script.attempt(`open .. by ${number}`, "openat", [number, text(".."), O_DIRECTORY, 0]).keep("opened");
    script.quietly("close", [{ slot: "opened" }]);
  }
  return script;
}

describeSandbox("F8: an inherited descriptor", ["root", "list"], (bench) => {
  bench.test("is closed before the agent's first instruction", async () => {
    const { answers } = await bench.lab.attack(useDescriptors(), { wrapper: leaking("/etc") });
    const closed = LEAKED.flatMap((number) => [`descriptor ${number}`, `chdir by ${number}`, `open .. by ${number}`]);
    expect(answers).toEqual(Object.fromEntries(closed.map((name) => [name, "EBADF"])));
  });

  bench.test("the control: without Hardline it is there and leads out", async () => {
    const { answers } = await bench.lab.control(useDescriptors(), { wrapper: leaking("/etc") });
    for (const number of LEAKED) expect(answers[`descriptor ${number}`]).toBe("ok");
    expect(answers["open .. by 999"]).toBe("ok");
    expect(answers["chdir by 251"]).toBe("ok");
  });

  bench.test("is not there as seen from outside, while the agent runs", async () => {
    const { lab } = bench;
    const run = lab.start(["/bin/sleep", "60"], { wrapper: leaking("/etc") });
    const { agent, gate, supervisor } = await runProcesses(run.pid);
    const open = (pid: number) =>
      readdirSync(`/proc/${pid}/fd`).map((name) => [name, readlinkSync(`/proc/${pid}/fd/${name}`)]);
    // The gate lets nobody but root look at it.
    const seen = { agent: open(agent), gate: IS_ROOT ? open(gate) : [] };
    process.kill(supervisor, "SIGTERM");
    await run.ended;
    expect(seen.agent.map(([name]) => name)).toEqual(["0", "1", "2"]);
    expect(seen.agent.map(([, to]) => to)).toEqual([
      "/dev/null",
      expect.stringMatching(/^(pipe|socket):/),
      expect.stringMatching(/^(pipe|socket):/),
    ]);
    // The gate holds its channel, what tells it of the agent's end, and its own mount table; none of them leads anywhere.
    for (const [, to] of seen.gate) {
      expect(to).toMatch(/^(socket:|anon_inode:|pipe:|\/dev\/null$|\/proc\/\d+\/mountinfo$)/);
    }
  });

  bench.test("a file as a standard descriptor cannot be opened again to be written", async () => {
    const { lab } = bench;
    const [prompt, log] = [
      lab.write("prompt.txt", "the operator's words\n"),
      lab.write("audit.log", "an older line\n"),
    ];
    const forge = "( printf forged 1<>/proc/self/fd/0 ); ( : > /proc/self/fd/2 ); cat; echo heard >&2";
    const wrapper = ["/bin/bash", "-c", `exec "$@" <${prompt} 2>>${log}`, "files"];
    const outside = await start(["/bin/sh", "-c", forge], { as: lab.as, wrapper }).ended;
    expect(outside.status, "the control").toBe(0);
    expect(readFileSync(prompt, "utf8")).toContain("forged");
    expect(readFileSync(log, "utf8")).not.toContain("an older line");

    lab.write("prompt.txt", "the operator's words\n");
    lab.write("audit.log", "an older line\n");
    const { status, stdout } = await lab.run(["/bin/sh", "-c", forge], { wrapper });
    expect(readFileSync(prompt, "utf8")).toBe("the operator's words\n");
    expect(readFileSync(log, "utf8")).toMatch(/^an older line\n(.*\n)*heard\n$/);
    // What it forged went into a pipe of its own.
    expect({ status, stdout: stdout.toString() }).toEqual({
      status: 0,
      stdout: expect.stringContaining("the operator's words\n"),
    });
  });

  bench.test.each([0, 1, 2])("a directory as standard descriptor %i: not started", async (number) => {
    const wrapper = ["/bin/bash", "-c", `exec "$@" ${number}</etc`, "leaking"];
    const { status, stderr, stdout } = await bench.lab.run(["/bin/true"], { wrapper });
    expect(status).toBe(125);
    expect(stdout.toString()).toBe("");
    if (number !== 2) expect(stderr).toContain(`standard descriptor ${number} is a directory`);
  });

  bench.test("a closed standard descriptor does not become something else", async () => {
    const { lab } = bench;
    const script = new AttackScript();
    for (const number of [0, 2]) script.attempt(`descriptor ${number}`, "openat", [number, text("."), O_DIRECTORY, 0]);
    script.attempt("the control", "openat", [AT_FDCWD, text("."), O_DIRECTORY, 0]);
    const wrapper = ["/bin/bash", "-c", 'exec "$@" 0<&- 2>&-', "closing"];
    const { answers } = await lab.attack(script, { wrapper });
    expect(answers["the control"]).toBe("ok");
    for (const number of [0, 2]) expect(["ENOTDIR", "EBADF"]).toContain(answers[`descriptor ${number}`]);
  });

  bench.test("the working directory does not lead out either", async () => {
    const { lab } = bench;
    const { status, stdout } = await lab.run(
      ["/bin/sh", "-c", "pwd; cd ../../../../../..; ls -a; ls -a /proc/self/cwd/.."],
      { cwd: "/etc" },
    );
    expect(status).toBe(0);
    const [place, ...names] = stdout.toString().trim().split("\n");
    expect(place).toBe(lab.project);
    expect(names).not.toContain("root");
    expect(names).not.toContain("boot");
    expect(readdirSync("/")).toContain("boot");
    expect(join(place ?? "", "..")).toBe(lab.directory);
  });
});
