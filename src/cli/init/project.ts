/** What `init` found in a project, before any of it is written down. */

/** One thing that was taken for granted or left out, for the person to agree with or correct. */
export interface Assumption {
  /** Stable, kebab-case. */
  readonly id: string;
  readonly message: string;
}

export interface Project {
  /** Absolute. */
  readonly directory: string;
  /** A valid agent name. */
  readonly name: string;
  /** argv of the agent; never empty. */
  readonly run: readonly string[];
  /** Absolute host paths that the interpreter needs besides the system's own. */
  readonly read: readonly string[];
  /** Directories below the project that the agent may write; `run` makes those that are not there yet. */
  readonly mutable: readonly string[];
  readonly mcpServers: readonly McpServer[];
  /** Names, never values. */
  readonly secrets: Secrets;
  readonly assumptions: readonly Assumption[];
}

export interface McpServer {
  readonly name: string;
  /** The configuration that names it, as a person would write the path. */
  readonly file: string;
}

export interface Secrets {
  /** Variables of the environment that look like secrets. */
  readonly environment: readonly string[];
  /** Files below the project that look like they hold secrets; in a sealed root, the agent can read them. */
  readonly files: readonly string[];
}
