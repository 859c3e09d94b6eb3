/** F13: what an agent takes away from itself must not keep the next start from starting, nor anything on the host. */
import { chmodSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { describeSandbox } from "../support/matrix.ts";

describeSandbox("F13: directories that the agent closes", ["list", "map"], (bench) => {
  for (const [place, mode] of [
    [".", "000"],
    ["code", "000"],
    ["code/deep", "555"],
    [".", "555"],
  ] as const) {
    bench.test(`chmod ${mode} ${place}: the next start works, and nothing stays`, async () => {
      const { lab } = bench;
      const before = readdirSync(lab.project).sort();
      const closed = await lab.run(["/bin/chmod", mode, place]);
      // The control: it is the agent's own, so it may. (Where placeholders were taken away it is open again by now.)
      expect(closed.status, closed.stderr).toBe(0);
      const { status, stdout, stderr } = await lab.run(["/bin/cat", "limits.txt"], { cwd: "/" });
      expect(status, stderr).toBe(0);
      expect(stdout.toString()).toContain("-5");
      chmodSync(join(lab.project, place), 0o755);
      expect(readdirSync(lab.project).sort()).toEqual(before);
    });
  }
});

describeSandbox("F13: mutable directories that the agent closes", ["root"], (bench) => {
  bench.test("are opened again for the next start", async () => {
    const { lab } = bench;
    expect((await lab.run(["/bin/chmod", "000", "state"])).status).toBe(0);
    const { status, stderr } = await lab.run(["/bin/sh", "-c", "echo on > state/again"]);
    expect(status, stderr).toBe(0);
  });
});
