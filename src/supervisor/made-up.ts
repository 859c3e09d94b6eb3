/** For tests: a project on disk with one agent, and its way from the policy to a plan. Nothing is started. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SupervisorError } from "./errors.ts";
import { type Prepared, type PrepareOptions, prepare } from "./prepare.ts";

export class MadeUpProject {
  readonly place: string;
  readonly options: PrepareOptions;
  /** The workspaces that were locked on the last way. */
  locked: readonly string[] = [];

  constructor() {
    this.place = realpathSync(mkdtempSync("/var/tmp/hardline-prepare-"));
    chmodSync(this.place, 0o755);
    this.options = { policyFile: this.at("hardline.yaml"), stateDir: this.at("hl") };
    mkdirSync(this.at("bot"));
    writeFileSync(this.at("bot/limits.txt"), "-5");
    this.policy();
  }

  at(...path: readonly string[]): string {
    return join(this.place, ...path);
  }

  /** Writes the policy: a sealed root with further lines. */
  policy(...more: readonly string[]): void {
    writeFileSync(this.options.policyFile, policyText(...more));
  }

  go(more: Partial<PrepareOptions> = {}, atLock: () => void = () => undefined): Promise<Prepared> {
    const locked: string[] = [];
    this.locked = locked;
    const lock = (workspace: string): Promise<void> => {
      locked.push(workspace);
      atLock();
      return Promise.resolve();
    };
    return prepare({ ...this.options, ...more }, { run: "r1", grants: {}, progress: () => undefined, lock });
  }

  /** The error that keeps the agent from starting. Throws where there is none. */
  async refusal(more: Partial<PrepareOptions> = {}): Promise<SupervisorError> {
    const error: unknown = await this.go(more).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error instanceof SupervisorError) return error;
    throw error ?? new Error("it was not refused");
  }

  remove(): void {
    rmSync(this.place, { recursive: true });
  }
}

/** A policy with one agent in a sealed root; further lines belong to the agent or follow it. */
export function policyText(...more: readonly string[]): string {
  const lines = ["version: 1", "agents:", "  bot:", "    run: [/bin/true]", "    root: ./bot", "    mutable: [state]"];
  return `${[...lines, ...more].join("\n")}\n`;
}

/** The same in a workspace. */
export function workspacePolicy(...more: readonly string[]): string {
  return policyText(...more)
    .replace("root: ./bot", "workspace: ./bot")
    .replace("mutable: [state]", "sealed: [limits.txt]");
}
