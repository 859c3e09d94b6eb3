/** Starts the checkout's `hardline` as somebody, and hands back what came out of it. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Identity, spawnAs } from "./identity.ts";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface StartOptions {
  readonly as: Identity;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What standard input holds; absent: nothing. `"pipe"` leaves it open. */
  readonly input?: "pipe";
  /** Words that are put before the program: a wrapper that replaces itself by it. */
  readonly wrapper?: readonly string[];
}

let copied: string | undefined;

/** The checkout, or a copy of what runs where an ordinary user cannot get to the checkout. */
export function checkoutFor(as: Identity): string {
  if (spawnAs(as).uid === undefined || isOpen(CHECKOUT)) return CHECKOUT;
  if (copied !== undefined) return copied;
  const copy = mkdtempSync("/var/tmp/hardline-checkout-");
  chmodSync(copy, 0o755);
  process.once("exit", () => rmSync(copy, { recursive: true, force: true }));
  for (const part of ["bin", "dist", "package.json"]) {
    cpSync(join(CHECKOUT, part), join(copy, part), { recursive: true, verbatimSymlinks: true });
  }
  for (const name of readdirSync(join(CHECKOUT, "node_modules")).filter((entry) => entry.startsWith("node-linux-"))) {
    cpSync(join(CHECKOUT, "node_modules", name), join(copy, "node_modules", name), { recursive: true });
  }
  copied = copy;
  return copy;
}

/** Whether everybody may enter a directory and all above it. */
function isOpen(directory: string): boolean {
  if ((statSync(directory).mode & 0o005) !== 0o005) return false;
  return directory === "/" || isOpen(dirname(directory));
}

/** The words that start `hardline` for somebody. */
export function hardlineCommand(as: Identity): string {
  const program = join(checkoutFor(as), "bin/hardline");
  if (!existsSync(program)) throw new Error(`${program} is missing`);
  return program;
}

export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ended>;
}

/** Starts any program as somebody, with an environment of its own. */
export function start(argv: readonly string[], options: StartOptions): Started {
  const [program, ...rest] = [...(options.wrapper ?? []), ...argv];
  if (program === undefined) throw new Error("nothing to start");
  const child = spawn(program, rest, {
    cwd: options.cwd ?? "/",
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", ...options.env },
    stdio: [options.input ?? "ignore", "pipe", "pipe"],
    ...spawnAs(options.as),
  });
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout?.on("data", (bytes: Buffer) => stdout.push(bytes));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // What reads from a pipe whose writer was killed may end early; that is not the test's failure.
  child.stdin?.on("error", () => undefined);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => resolve({ status, signal, stdout: Buffer.concat(stdout), stderr }));
  });
  return { child, pid: child.pid ?? -1, ended };
}
