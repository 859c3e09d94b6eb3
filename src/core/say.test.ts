import { execFile } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { writeAll } from "./say.ts";

const run = promisify(execFile);
const MODULE = join(import.meta.dirname, "say.ts");

test("writes all of it to a file", () => {
  const file = join(tmpdir(), `hardline-say-${process.pid}`);
  const opened = openSync(file, "w");
  writeAll(opened, "äöü\n".repeat(50_000));
  closeSync(opened);
  expect(readFileSync(file, "utf8")).toBe("äöü\n".repeat(50_000));
  rmSync(file);
});

test("writes all of it to a pipe that somebody made non-blocking and filled", async () => {
  const code = `
    import { writeAll } from ${JSON.stringify(MODULE)};
    writeAll(1, "the end\\n");
  `;
  // The pipe is full before the text comes, and is read only half a second later.
  const fill = `import fcntl, os
fcntl.fcntl(1, fcntl.F_SETFL, fcntl.fcntl(1, fcntl.F_GETFL) | os.O_NONBLOCK)
try:
  while True: os.write(1, b"x" * 4096)
except BlockingIOError: pass`;
  const line = `( python3 -c "$1"; "$2" --input-type=module -e "$3" ) | ( sleep 0.5; tail -c 8 )`;
  const { stdout } = await run("/bin/sh", ["-c", line, "sh", fill, process.execPath, code]);
  expect(stdout).toBe("the end\n");
});

test("gives up on a reader that is gone, and on one that never reads", () => {
  const opened = openSync("/dev/full", "w");
  writeAll(opened, "x");
  closeSync(opened);
});
