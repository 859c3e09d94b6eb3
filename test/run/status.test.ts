/** The agent's exit status is Hardline's; what Hardline itself has to say of an end has numbers of its own. */
import { constants } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Desk, EVERYBODY } from "./desk.ts";

const { signals } = constants;

describe.each(EVERYBODY)("as %s", (who) => {
  let desk: Desk;
  beforeAll(() => {
    desk = new Desk(who);
    desk.policy({ agent: [`    env: { PATH: '/usr/bin:/bin:${desk.root}/tools:${desk.root}/more' }`] });
  });
  afterAll(() => desk.remove());

  test.each([0, 1, 2, 42, 124, 125, 126, 127, 128, 129, 143, 255])(
    "the agent's status %i is passed on",
    async (status) => {
      expect(await desk.run(["sh", "-c", `exit ${status}`])).toMatchObject({ status, signal: null, stderr: "" });
    },
  );

  test.each(["SIGHUP", "SIGINT", "SIGQUIT", "SIGABRT", "SIGKILL", "SIGSEGV", "SIGPIPE", "SIGTERM", "SIGUSR1"] as const)(
    "an agent that ended by %s is 128 and its number",
    async (name) => {
      expect(await desk.run(["sh", "-c", `kill -${signals[name]} $$; sleep 5`])).toMatchObject({
        status: 128 + signals[name],
        stderr: "",
      });
    },
  );

  test("only the agent's own status counts, not that of what it started or left running", async () => {
    const line = "(sleep 60; exit 9) & sh -c 'exit 7'; kill -9 $!; sleep 60 & exit 3";
    expect(await desk.run(["sh", "-c", line])).toMatchObject({ status: 3 });
  });

  test("a program that is nowhere is 127, with where it was looked for", async () => {
    const { status, stderr } = await desk.run(["no-such-program"]);
    expect(status).toBe(127);
    expect(stderr).toBe(
      `hardline: no-such-program: not found in the sandbox (tried /usr/bin/no-such-program, /bin/no-such-program, ` +
        `${desk.root}/tools/no-such-program, ${desk.root}/more/no-such-program)\n` +
        "hardline:   The agent sees /usr, its own tree, and what `read:` lists.\n",
    );
  });

  test("a program of the host's that the sandbox does not show is 127 too", async () => {
    expect(await desk.run([join(desk.directory, "hardline.yaml")])).toMatchObject({ status: 127 });
  });

  test("a program that may not be executed is 126, with the reason", async () => {
    desk.put("bot/plain.sh", "#!/bin/sh\n", 0o644);
    desk.put("bot/no-program", "just text", 0o755);
    const denied = await desk.run(["./plain.sh"]);
    expect(denied).toMatchObject({ status: 126 });
    expect(denied.stderr).toBe("hardline: ./plain.sh: cannot be executed in the sandbox (EACCES)\n");
    const text = await desk.run(["./no-program"]);
    expect(text).toMatchObject({ status: 126 });
    expect(text.stderr).toContain("hardline: ./no-program: cannot be executed in the sandbox (ENOEXEC)\n");
    expect(text.stderr).toContain("nor a script that begins with #!");
    expect(await desk.run([desk.root])).toMatchObject({ status: 126 });
    expect(await desk.run(["/usr/bin/true/x"])).toMatchObject({ status: 127 });
  });

  test("one on PATH that may not be executed does not hide one that may", async () => {
    desk.put("bot/tools/tool", "#!/bin/sh\nexit 1\n", 0o644);
    desk.put("bot/more/tool", "#!/bin/sh\nexit 33\n", 0o755);
    expect(await desk.run(["tool"])).toMatchObject({ status: 33 });
    desk.put("bot/more/tool", "#!/bin/sh\nexit 33\n", 0o644);
    expect(await desk.run(["tool"])).toMatchObject({ status: 126 });
  });

  test("arguments are passed on unchanged", async () => {
    const odd = ["", " ", "a b", "'", '"', "$HOME", "*", "--help", "--", "ü\n\t", "\\", "-"];
    const { status, stdout } = await desk.run(["printf", "%s\\0", ...odd]);
    expect(status).toBe(0);
    expect(stdout.toString().split("\0").slice(0, -1)).toEqual(odd);
  });

  test("one process is enough for an agent that needs one, and it gets no second", async () => {
    const narrow = new Desk(who, { agent: ["    resources: { processes: 1 }"] });
    try {
      expect(await narrow.run(["/bin/true"])).toMatchObject({ status: 0, stderr: "" });
      const { status, stderr } = await narrow.run(["sh", "-c", "/bin/true; exit 0"]);
      expect(status).not.toBe(0);
      expect(stderr).toMatch(/[Cc]annot fork/);
    } finally {
      narrow.remove();
    }
  });
});
