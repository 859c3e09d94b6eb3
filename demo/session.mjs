/** Starting the agent, without Hardline and with it. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HARDLINE = fileURLToPath(new URL("../bin/hardline", import.meta.url));
const LONGEST = 60_000;

/** The demo cannot go on: what was started did not do its part. Told to people with its own words. */
export class DemoError extends Error {
  name = "DemoError";
}

const running = new Set();

/** Ends what is running, where the demo itself is told to end; Hardline takes its agent with it. */
export function endSessions() {
  for (const child of running) child.kill("SIGTERM");
}

function start(argv, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), { ...options, stdio: ["ignore", "pipe", "pipe"], timeout: LONGEST });
    running.add(child);
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"]) {
      child[stream].setEncoding("utf8").on("data", (text) => {
        output[stream] += text;
      });
    }
    child.once("error", (error) => {
      running.delete(child);
      reject(new DemoError(`${argv[0]} could not be started: ${error.message}`));
    });
    child.once("close", (status, signal) => {
      running.delete(child);
      resolve({ ...output, status, signal });
    });
  });
}

/** @returns {{ stdout: string, stderr: string }} what a program that ended well has printed */
async function finished(argv, options) {
  const { stdout, stderr, status, signal } = await start(argv, options);
  if (status === 0) return { stdout, stderr };
  const ended = signal === null ? `ended with status ${status}` : `was ended by ${signal}`;
  throw new DemoError(`${argv.join(" ")}\n${ended}:\n${stderr}${stdout}`);
}

/** @param {{ directory: string, home: string }} desk */
export function runBare(desk, argv, env = {}) {
  return finished(argv, { cwd: desk.directory, env: { PATH: process.env.PATH, HOME: desk.home, LC_ALL: "C", ...env } });
}

/**
 * @param {{ directory: string, agent: string, state: string }} desk
 * @param {string[]} [argv] another command in the agent's place, in the same sandbox
 */
export function runSealed(desk, argv, env = {}) {
  const command = argv === undefined ? [] : ["--", ...argv];
  const policy = join(desk.directory, "hardline.yaml");
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  return finished([HARDLINE, "run", "--policy", policy, "--state", desk.state, "--agent", desk.agent, ...command], {
    cwd: desk.directory,
    env: { ...inherited, ...env },
  });
}
