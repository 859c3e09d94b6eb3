/** A small project with an agent that runs whatever a test asks for. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Ended, hardlineCommand, type Started, type StartOptions, start } from "../support/hardline.ts";
import { canBe, type Identity, IS_ROOT, identityOf, type Who } from "../support/identity.ts";

export const EVERYBODY: readonly Who[] = (["root", "user"] as const).filter(canBe);

export interface DeskOptions {
  /** Further lines of the agent's entry, indented by four. */
  readonly agent?: readonly string[];
  /** Replaces the shape: lines of the agent's entry, indented by four. */
  readonly shape?: readonly string[];
}

export class Desk {
  readonly as: Identity;
  readonly directory: string;
  readonly root: string;
  readonly state: string;
  readonly #started: Started[] = [];

  constructor(who: Who, options: DeskOptions = {}) {
    this.as = identityOf(who);
    this.directory = realpathSync(mkdtempSync("/var/tmp/hardline-run-"));
    this.root = join(this.directory, "bot");
    this.state = join(this.directory, "hl");
    chmodSync(this.directory, 0o755);
    this.#own(this.directory);
    this.put("bot/limits.txt", "-5\n");
    mkdirSync(join(this.root, "state"));
    this.#own(join(this.root, "state"));
    this.policy(options);
  }

  policy({ agent = [], shape = ["    root: ./bot", "    mutable: [state]"] }: DeskOptions): void {
    const lines = ["version: 1", "agents:", "  bot:", "    run: [/bin/true]", ...shape, ...agent];
    this.put("hardline.yaml", `${lines.join("\n")}\n`);
  }

  put(path: string, content: string, mode = 0o644): string {
    const file = join(this.directory, path);
    const made = mkdirSync(dirname(file), { recursive: true });
    for (let at = dirname(file); made !== undefined && at.startsWith(made); at = dirname(at)) this.#own(at);
    writeFileSync(file, content);
    chmodSync(file, mode);
    this.#own(file);
    return file;
  }

  /** The words that start the agent, or what is given in its place. */
  words(command: readonly string[] = [], more: readonly string[] = []): string[] {
    const policy = ["--policy", join(this.directory, "hardline.yaml"), "--state", this.state];
    return [hardlineCommand(this.as), "run", ...policy, ...more, ...(command.length === 0 ? [] : ["--", ...command])];
  }

  start(
    command: readonly string[] = [],
    options: Omit<StartOptions, "as"> = {},
    more: readonly string[] = [],
  ): Started {
    const started = start(this.words(command, more), { cwd: "/", ...options, as: this.as });
    this.#started.push(started);
    return started;
  }

  run(
    command: readonly string[] = [],
    options: Omit<StartOptions, "as"> = {},
    more: readonly string[] = [],
  ): Promise<Ended> {
    return this.start(command, options, more).ended;
  }

  /** Also ends what a test that failed has left running. */
  remove(): void {
    for (const { child } of this.#started) child.kill("SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }

  #own(path: string): void {
    if (IS_ROOT) chownSync(path, this.as.uid, this.as.gid);
  }
}

/** Resolves when a started program has said something that contains the text; `undefined` says that it ended before. */
export function said({ child, ended }: Started, text: string): Promise<string | undefined> {
  let seen = "";
  const spoken = new Promise<string>((resolve) => {
    child.stdout?.on("data", (bytes: Buffer) => {
      seen += bytes.toString();
      if (seen.includes(text)) resolve(seen);
    });
  });
  return Promise.race([spoken, ended.then(() => undefined)]);
}
