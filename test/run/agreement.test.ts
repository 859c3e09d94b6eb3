/** What one run leaves behind, and what `run` and `check` say of it at the next. */
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Finding } from "../../src/core/finding.ts";
import { hardlineCommand, start } from "../support/hardline.ts";
import { Desk, EVERYBODY } from "./desk.ts";

describe.each(EVERYBODY)("as %s", (who) => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk(who);
  });
  afterEach(() => desk.remove());

  async function check(): Promise<{ readonly status: number | null; readonly findings: readonly Finding[] }> {
    const policy = ["--policy", join(desk.directory, "hardline.yaml"), "--state", desk.state];
    const { status, stdout } = await start([hardlineCommand(desk.as), "check", "--json", ...policy], {
      as: desk.as,
      cwd: "/",
    }).ended;
    return { status, findings: JSON.parse(stdout.toString()).findings };
  }

  test("an agent that makes a repository in its mutable directory cannot end its own next start", async () => {
    expect((await desk.run(["mkdir", "-p", "state/.git/hooks", "state/objects"])).status).toBe(0);
    expect((await desk.run(["touch", "state/HEAD", "state/config"])).status).toBe(0);
    const { status, findings } = await check();
    expect(status).toBe(0);
    expect(findings.map(({ id, severity }) => [id, severity])).toEqual([
      ["git-hooks-mutable", "warning"],
      ["git-hooks-mutable", "warning"],
    ]);
    expect((await desk.run(["/bin/true"])).status).toBe(0);
    desk.put("bot/new.txt", "an update");
    expect((await desk.run(["/bin/true"])).status).toBe(0);
  });

  test("a refusal is for what stands there now, and `check` says the same", async () => {
    desk.policy({ shape: ["    workspace: ./bot", "    sealed: [limits.txt]"] });
    mkdirSync(join(desk.root, ".git"));
    const refused = await desk.run(["/bin/true"]);
    expect(refused.status).toBe(125);
    expect(refused.stderr).toContain("git-hooks-mutable: ");
    expect((await check()).status).toBe(2);
    renameSync(join(desk.root, ".git"), join(desk.root, "not-git"));
    expect((await desk.run(["/bin/true"])).status).toBe(0);
    expect((await check()).status).toBe(0);
  });

  test("a directory that is renamed into place is named at the end of that run", async () => {
    await desk.run(["sh", "-c", "mkdir -p state/x/deep && echo x > state/x/deep/tasks.json"]);
    const { stderr } = await desk.run(["mv", "state/x", "state/.vscode"]);
    expect(stderr).toContain(`${JSON.stringify(join(desk.root, "state/.vscode/deep/tasks.json"))}: the editor`);
    expect((await desk.run(["/bin/true"])).stderr).toBe("");
  });
});
