/** Runs real interpreters, also with the names that the analysis wants sealed really sealed by the kernel. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StandIn } from "../../src/analysis/hazards/hazard-report.ts";
import type { Agent } from "../../src/policy/types.ts";

export const PYTHON = process.env["HARDLINE_TEST_PYTHON"] ?? "/usr/bin/python3";
export const NODE = process.execPath;

/** A directory to list under `read:`, where the interpreter is not the system's. */
export function prefixOf(interpreter: string): string[] {
  return interpreter.startsWith("/usr/") ? [] : [join(interpreter, "..", "..")];
}

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

export function runPlain(argv: readonly string[], cwd: string): Outcome {
  const [program = "", ...rest] = argv;
  const { stdout, stderr, status } = spawnSync(program, rest, {
    cwd,
    encoding: "utf8",
    env: { PATH: "/usr/bin:/bin" },
  });
  return { stdout, stderr, status };
}

/**
 * Runs a shell script in a workspace whose sealed entries, and the stand-ins where they are given, are read-only mounts. What
 * the script tries may fail; its last command is the program.
 */
export function runSealed(agent: Agent, standIns: readonly StandIn[], script: string): Outcome {
  if (agent.shape.kind !== "workspace") throw new Error("this is for the workspace shape");
  const { workspace, sealed } = agent.shape;
  const empty = mkdtempSync("/var/tmp/hardline-empty-");
  const emptyFile = `${empty}.file`;
  writeFileSync(emptyFile, "");
  const mounts = [
    ...sealed.flatMap((entry) => ["--ro-bind", join(workspace, entry.path), join(workspace, entry.path)]),
    ...standIns.flatMap(({ kind, path }) => ["--ro-bind", kind === "file" ? emptyFile : empty, join(workspace, path)]),
  ];
  try {
    return runPlain(
      [
        "bwrap",
        "--dev-bind",
        "/",
        "/",
        "--bind",
        workspace,
        workspace,
        ...mounts,
        "--chdir",
        workspace,
        "sh",
        "-c",
        script,
      ],
      workspace,
    );
  } finally {
    rmSync(empty, { recursive: true });
    rmSync(emptyFile);
  }
}
