/** Forks twice, ignores what can be ignored, and writes a line to its heartbeat for as long as it lives. */
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";

const [, program, mode, heartbeat] = process.argv;

if (mode === "fork") {
  spawn(process.execPath, [program, "beat", heartbeat], { detached: true, stdio: "ignore" }).unref();
} else {
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGPIPE"]) process.on(signal, () => undefined);
  setInterval(() => appendFileSync(heartbeat, "alive\n"), 25);
  // Not for ever, should it succeed in outliving the demo as well.
  setTimeout(() => process.exit(), 60_000);
}
