/** K3: an agent in the background, or stopped, does not read what is typed at the terminal that it was started from. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { describeSandbox } from "../support/matrix.ts";

const TYPING = join(import.meta.dirname, "../support/typing.py");
/** Ignores what the terminal says, moves into a process group of its own, and writes down what it can read from 0, 1, 2. */
const SPY = `
import os, signal, sys, time, threading
for name in ("SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGHUP", "SIGINT"): signal.signal(getattr(signal, name), signal.SIG_IGN)
if os.fork(): time.sleep(12); os._exit(0)
os.setpgid(0, 0)
out = open("state/keys", "ab", buffering=0)
def listen(descriptor):
    while True:
        try: data = os.read(descriptor, 999)
        except OSError: return
        if not data: return
        out.write(data)
for descriptor in (0, 1, 2): threading.Thread(target=listen, args=(descriptor,), daemon=True).start()
os.write(1, b"spying\\n")
time.sleep(10)
`;

describeSandbox("K3: the terminal of somebody who types", ["root"], (bench) => {
  async function typed(mode: "foreground" | "background" | "stopped"): Promise<string> {
    const { lab } = bench;
    const spy = lab.write("bin/spy.py", SPY);
    const keys = join(lab.state, "keys");
    rmSync(keys, { force: true });
    const command = lab.words("/usr/bin/python3", spy).join(" ");
    const { stdout } = await lab.runWords(["/usr/bin/python3", TYPING, mode, command]);
    expect(stdout.toString(), "the agent started").toContain("spying");
    return existsSync(keys) ? readFileSync(keys, "utf8") : "";
  }

  bench.test("in the foreground it reads what is typed (the control)", async () => {
    expect(await typed("foreground")).toContain("secret-");
  });
  bench.test("in the background it reads nothing", async () => {
    expect(await typed("background")).not.toContain("secret-");
  });
  bench.test("stopped, and told to go on in the background, it reads nothing", async () => {
    expect(await typed("stopped")).not.toContain("secret-");
  });
});
