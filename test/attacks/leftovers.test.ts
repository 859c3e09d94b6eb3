/** F12: something left in a mutable place for a person or the host to run later. */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { AT_FDCWD, AttackScript, O_RDWR, text } from "../support/attack-program.ts";
import { start } from "../support/hardline.ts";
import { IS_ROOT } from "../support/identity.ts";
import { ALL_SHAPES, describeSandbox } from "../support/matrix.ts";

/** Path below the mutable place, and a word of the reason that the report must give. */
const LEFT: Readonly<Record<string, string>> = {
  "repo/.git/hooks/post-checkout": "git",
  "repo/.git/config": "git",
  ".envrc": "direnv",
  ".vscode/tasks.json": "editor",
  "node_modules/.bin/tool": "npm",
  ".mcp.json": "MCP",
  ".npmrc": "npm",
  ".bashrc": "shell",
  "sitecustomize.py": "Python",
  "__pycache__/limits.cpython-311.pyc": "Python",
  "forged.pth": "Python",
  "package.json": "npm",
  Makefile: "make",
  tool: "executable",
  "set-uid": "set-uid",
  "set-gid": "set-gid",
};
const HARMLESS = ["notes.txt", "deep/data.json"];

describeSandbox("F12: what is left behind", ALL_SHAPES, (bench) => {
  bench.test("is named at the end, each with its reason, and nothing else is", async () => {
    const { lab } = bench;
    const makes = [...Object.keys(LEFT), ...HARMLESS].map(
      (path) => `mkdir -p "$(dirname ${path})" && echo x > ${path}`,
    );
    const modes = "chmod 755 tool && chmod 4755 set-uid && chmod 2755 set-gid";
    const { status, stderr } = await lab.run(["/bin/sh", "-c", `cd state && ${makes.join(" && ")} && ${modes}`]);
    expect(status).toBe(0);
    const lines = stderr.split("\n").filter((line) => line.includes(lab.state));
    for (const [path, reason] of Object.entries(LEFT)) {
      const line = lines.find((each) => each.includes(JSON.stringify(join(lab.state, path))));
      expect(line, path).toContain(reason);
    }
    expect(lines).toHaveLength(Object.keys(LEFT).length);
  });

  bench.test("was there before and is unchanged: not named", async () => {
    const { status, stderr } = await bench.lab.run(["/bin/sh", "-c", "echo harmless > state/notes.txt"]);
    expect(status).toBe(0);
    expect(stderr).not.toContain(bench.lab.state);
  });
});

/** Put there by root, since an agent cannot: what a mount must make inert. */
describeSandbox(
  "F12: a set-uid file and a device node of root's",
  ["root", "list"],
  (bench) => {
    const planted = IS_ROOT ? bench.test : bench.test.skipIf(true);

    planted("do nothing in a mutable place", async () => {
      const { lab } = bench;
      const whoAmI = new AttackScript().attempt("effective uid", "geteuid", []);
      const program = lab.write("desk/state/become-root", whoAmI.build(), 0o755);
      const useDevice = new AttackScript();
      useDevice.attempt("open it", "openat", [AT_FDCWD, text(join(lab.state, "null-device")), O_RDWR, 0]);
      const other = lab.program(useDevice);
      chownSync(program, 0, 0);
      chmodSync(program, 0o4755);
      execFileSync("/bin/mknod", ["-m", "666", join(lab.state, "null-device"), "c", "1", "3"]);

      const inside = {
        program: await lab.run([program]),
        device: await lab.run([other]),
      };
      expect(inside.program.stdout.readBigInt64LE(8)).toBe(BigInt(lab.as.uid));
      expect(inside.device.stdout.readBigInt64LE(8)).toBe(-13n); // EACCES, and no other permission is in the way
      expect(inside.program.status).toBe(0);

      // The control: outside they work, where the host's own mount lets them.
      const outside = await start([program], { as: lab.as }).ended;
      expect(outside.stdout.readBigInt64LE(8)).toBe(0n);
      expect((await lab.control(useDevice)).answers).toEqual({ "open it": "ok" });
      expect(lstatSync(program).mode & 0o4000).toBe(0o4000);
    });
  },
  { as: ["user"] },
);
