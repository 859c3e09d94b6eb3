/** Runs command lines in this process and keeps what they print. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { Io } from "../../src/cli/io.ts";
import { runProgram } from "../../src/cli/program.ts";

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly workingDirectory: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
}

/** The full command line, as an ordinary user's, with a state directory that nothing needs. */
export async function hardline(words: readonly string[], surroundings: Surroundings): Promise<Outcome> {
  const { workingDirectory, environment = {}, isTerminal = false } = surroundings;
  const stdout: string[] = [];
  const stderr: string[] = [];
  const io: Io = {
    stdout: { isTerminal, write: (text) => void stdout.push(text) },
    stderr: { isTerminal, write: (text) => void stderr.push(text) },
    environment: { PATH: process.env["PATH"], HOME: "/nonexistent", ...environment },
    workingDirectory,
    uid: 1000,
  };
  return { status: await runProgram(io, words), stdout: stdout.join(""), stderr: stderr.join("") };
}

/** A new directory for a project. Not below /tmp, where `check` warns about projects: the sandbox has a /tmp of its own. */
export function projectDirectory(): string {
  return mkdtempSync(join("/var/tmp", "hardline-cli-"));
}
