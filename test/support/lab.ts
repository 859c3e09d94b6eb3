/**
 * A project to attack, in each shape and for each identity. The same names everywhere:
 *
 *     <lab>/hardline.yaml         the policy
 *     <lab>/bin/                  attack programs, which the agent may read
 *     <lab>/sources/              what the map form lays over the workspace
 *     <lab>/hl-state/             Hardline's own state
 *     <lab>/desk/                 the project: the root, or the workspace
 *       limits.txt                sealed
 *       code/deep/rules.txt       sealed; its directories are ancestors
 *       kept/inner.txt            sealed with its directory
 *       absent.txt, absent.d/     sealed and not there (in a workspace: stand-ins)
 *       state/                    mutable
 */
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type AttackScript, type Report, readReport } from "./attack-program.ts";
import { type Ended, hardlineCommand, type Started, type StartOptions, start } from "./hardline.ts";
import { type Identity, IS_ROOT, identityOf, type Who } from "./identity.ts";
import { processesNaming } from "./truth.ts";

export type Shape = "root" | "list" | "map";

export interface LabOptions {
  readonly shape: Shape;
  readonly who: Who;
  /** Where the lab is made. */
  readonly base?: string;
  /** Further lines of the agent's entry, indented by four. */
  readonly agent?: readonly string[];
  /** Replaces what is sealed in a workspace: the value of `sealed:`, in YAML's flow form. */
  readonly sealed?: string;
  /** The agent's own program, for the analysis to follow; absent: one that does nothing. */
  readonly run?: readonly string[];
  /** Further host paths that the agent may read. */
  readonly read?: readonly string[];
}

const SEALED_NAMES: readonly string[] = ["limits.txt", "code/deep/rules.txt", "kept", "absent.txt"];
export const SEALED_TEXT = "daily loss cap: -5\n";

export class Lab {
  readonly directory: string;
  readonly shape: Shape;
  readonly as: Identity;
  readonly project: string;
  readonly limits: string;
  readonly rules: string;
  readonly state: string;
  readonly policyFile: string;
  readonly stateDir: string;
  readonly #agent: readonly string[];
  readonly #sealed: string | undefined;
  readonly #run: readonly string[] | undefined;
  readonly #read: readonly string[];
  #programs = 0;

  constructor({ shape, who, base = "/var/tmp", agent = [], sealed, run, read = [] }: LabOptions) {
    this.shape = shape;
    this.as = identityOf(who);
    this.directory = mkdtempSync(join(base, `hardline-attack-${shape}-`));
    this.project = join(this.directory, "desk");
    this.limits = join(this.project, "limits.txt");
    this.rules = join(this.project, "code/deep/rules.txt");
    this.state = join(this.project, "state");
    this.policyFile = join(this.directory, "hardline.yaml");
    this.stateDir = join(this.directory, "hl-state");
    this.#agent = agent;
    this.#sealed = sealed;
    this.#run = run;
    this.#read = read;
    chmodSync(this.directory, 0o755);
    this.#own(this.directory);
    for (const path of ["limits.txt", "code/deep/rules.txt", "kept/inner.txt"]) {
      this.write(join("desk", path), SEALED_TEXT);
      this.write(join("sources", path), SEALED_TEXT);
    }
    this.write("sources/absent.txt", SEALED_TEXT);
    this.write("sources/absent.d/inner.txt", SEALED_TEXT);
    this.write("desk/state/own.txt", "mine\n");
    this.write("desk/state/other.txt", "mine too\n");
    this.write("bin/README", "attack programs\n");
    this.writePolicy();
  }

  /** Writes a file below the lab, which belongs to whoever starts Hardline. Returns its absolute path. */
  write(path: string, content: string | Uint8Array, mode = 0o644): string {
    const file = join(this.directory, path);
    this.mkdir(dirname(path));
    writeFileSync(file, content);
    chmodSync(file, mode);
    this.#own(file);
    return file;
  }

  mkdir(path: string): string {
    const directory = join(this.directory, path);
    const made = mkdirSync(directory, { recursive: true });
    for (let at = directory; made !== undefined && at.startsWith(made); at = dirname(at)) this.#own(at);
    return directory;
  }

  writePolicy(further: readonly string[] = []): void {
    const lines = [
      "version: 1",
      "agents:",
      "  a:",
      `    run: ${JSON.stringify(this.#run ?? [join(this.directory, "bin/agent")])}`,
      `    read: ${JSON.stringify([join(this.directory, "bin"), ...this.#read])}`,
      ...(this.shape === "root"
        ? ["    root: ./desk", "    mutable: [state]"]
        : ["    workspace: ./desk", `    sealed: ${this.#sealedValue()}`]),
      ...this.#agent,
      ...further,
    ];
    this.write("hardline.yaml", `${lines.join("\n")}\n`);
    this.write("bin/agent", "#!/bin/sh\nexit 0\n", 0o755);
  }

  /** What is sealed in a workspace, by its paths in it. */
  sealedNames(): readonly string[] {
    return this.#sealed === undefined ? SEALED_NAMES : (JSON.parse(this.#sealed) as readonly string[]);
  }

  #sealedValue(): string {
    if (this.#sealed !== undefined) return this.#sealed;
    if (this.shape === "list") return `[${SEALED_NAMES.join(", ")}, absent.d/]`;
    const names = ["limits.txt", "code/deep/rules.txt", "kept", "absent.txt", "absent.d"];
    return `{ ${names.map((name) => `"${name}": ./sources/${name}`).join(", ")} }`;
  }

  #own(path: string): void {
    if (IS_ROOT) chownSync(path, this.as.uid, this.as.gid);
  }

  /** The words that run a command in the sandbox. */
  words(...command: readonly string[]): string[] {
    const words = [hardlineCommand(this.as), "run", "--state", this.stateDir, "--policy", this.policyFile];
    return command.length === 0 ? words : [...words, "--", ...command];
  }

  /** The runs that are under way, by the ids that name their control groups. */
  runIds(): string[] {
    const runs = join(this.stateDir, "runs");
    return existsSync(runs) ? readdirSync(runs) : [];
  }

  start(command: readonly string[], options: Omit<StartOptions, "as"> = {}): Started {
    return start(this.words(...command), { cwd: this.project, ...options, as: this.as });
  }

  /** Runs other words than Hardline's in the project's directory, as the same user. */
  async runWords(words: readonly string[], options: Omit<StartOptions, "as"> = {}): Promise<Ended> {
    const env = { HOME: this.directory, ...options.env };
    return await start(words, { cwd: this.project, ...options, env, as: this.as }).ended;
  }

  async run(command: readonly string[], options: Omit<StartOptions, "as"> = {}): Promise<Ended> {
    return await this.start(command, options).ended;
  }

  /** Writes an attack program where the agent finds it. */
  program(script: AttackScript): string {
    this.#programs += 1;
    return this.write(`bin/attack-${this.#programs}`, script.build(), 0o755);
  }

  /** Runs an attack in the sandbox, to its end. Throws where it did not come to its end by itself. */
  async attack(script: AttackScript, options: Omit<StartOptions, "as"> = {}): Promise<Report> {
    return reported(script, await this.run([this.program(script)], options));
  }

  /** Runs the same program as the same user without a sandbox. */
  async control(script: AttackScript, options: Omit<StartOptions, "as"> = {}): Promise<Report> {
    return reported(script, await start([this.program(script)], { cwd: this.project, ...options, as: this.as }).ended);
  }

  /** Ends what a failed test left running. */
  endAll(): void {
    for (const { pid } of processesNaming(`${this.directory}/`)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // One that went with another.
      }
    }
  }

  remove(): void {
    this.endAll();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function reported(script: AttackScript, { status, signal, stdout, stderr }: Ended): Report {
  if (status !== 0) throw new Error(`the attack ended with ${status ?? signal}: ${stderr}`);
  const report = readReport(script.attempts, stdout);
  const silent = script.attempts.filter(({ name, inChild }) => !inChild && report.answers[name] === undefined);
  if (silent.length > 0) throw new Error(`no answer to ${silent.map(({ name }) => name).join(", ")}`);
  return report;
}
