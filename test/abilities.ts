/** What this host can do. A test that needs more than it can is skipped by name, and where CI is set that is a failure. */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Whether a program is on PATH. */
export function hasProgram(name: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
