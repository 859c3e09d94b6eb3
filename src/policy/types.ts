/**
 * The policy file after loading: defaults filled in, every relative path made absolute, every pattern checked. Plain data
 * (JSON can hold it), so that it can be cached, compared and digested.
 */
import type { Position } from "../core/finding.ts";

/** A duration in whole milliseconds. */
export type Millis = number;
/** An amount of bytes. */
export type Bytes = number;

export interface Policy {
  readonly version: 1;
  /** Absolute path of the policy file. */
  readonly file: string;
  /** Absolute, symlink-free directory of the policy file; relative paths in it resolve here. */
  readonly dir: string;
  /** `sha256:<64 hex>` over the canonical JSON of the meaning; comments, order and spelling do not change it. */
  readonly digest: string;
  readonly trustDomain?: string;
  readonly agents: Readonly<Record<string, Agent>>;
  readonly tools: Readonly<Record<string, Tool>>;
  readonly credentials: Readonly<Record<string, Credential>>;
  readonly limits: readonly Limit[];
  readonly redLines: readonly RedLine[];
  readonly respond: readonly Response[];
  readonly operators: Readonly<Record<string, OperatorGroup>>;
  readonly alerts: readonly Alert[];
  /** Sections of later parts (`ledger`, `backup`, `changes`, `blast_radius`), kept as written. */
  readonly later: Readonly<Record<string, unknown>>;
  /** Where each value of the file stands, by JSON pointer of the *written* document (`/agents/trader/mutable/0`). */
  readonly positions: Readonly<Record<string, Position>>;
}

/** What an agent and a tool server have in common: a program in a sandbox. */
export interface Sandboxed {
  readonly name: string;
  /** argv; never empty. */
  readonly run: readonly string[];
  readonly shape: Shape;
  /** Further absolute host paths that may be read, at the same path inside. */
  readonly read: readonly string[];
  /** The whole environment besides Hardline's own few names. */
  readonly env: Readonly<Record<string, string>>;
  readonly resources: Resources;
  readonly allow: readonly Grant[];
  readonly accept: readonly Acceptance[];
}

export interface Agent extends Sandboxed {
  readonly tools: readonly string[];
}

export type Shape =
  | {
      readonly kind: "root";
      /** Absolute host directory; everything in it is sealed … */
      readonly root: string;
      /** … but for these paths below it: relative, `/`-separated, normalised, sorted, none inside another. */
      readonly mutable: readonly string[];
    }
  | {
      readonly kind: "workspace";
      /** Absolute host directory, mutable … */
      readonly workspace: string;
      /** … but for these. */
      readonly sealed: readonly SealedEntry[];
    };

/** A name in a workspace that is sealed. */
export interface SealedEntry {
  /** Relative to the workspace, `/`-separated, normalised. */
  readonly path: string;
  /** Absolute host path whose content is laid there; absent: what stands at `path` itself is sealed. */
  readonly source?: string;
  /** The name was written with a trailing slash: where it is absent, a directory stands in for it, else a file. */
  readonly directory: boolean;
}

/** Limits of the kernel's. Absent: Hardline's default (see the sandbox's plan). */
export interface Resources {
  readonly memory?: Bytes;
  readonly processes?: number;
  /** Cores, as a decimal: 0.5 is half of one. */
  readonly cpus?: number;
  readonly openFiles?: number;
  /** Largest file that can be written. */
  readonly fileSize?: Bytes;
  /** Size of `/tmp`. */
  readonly tmp?: Bytes;
}

/** A hazard that somebody has looked at and takes the risk of, by name and with a reason. */
export interface Acceptance {
  readonly id: string;
  readonly because: string;
}

export interface Tool {
  readonly name: string;
  /** Where the server is: a program in a sandbox of its own, or an address. */
  readonly server: Sandboxed | { readonly url: string; readonly allow: readonly Grant[] };
}

/** What an action matches: a tool call, an HTTP request or a SQL statement. */
export type Matcher =
  | { readonly kind: "tool"; readonly server: string; readonly tool: string }
  | {
      readonly kind: "http";
      /** Upper case, or `*`. */
      readonly method: string;
      readonly scheme: "https" | "http";
      /** Lower-case ASCII; may start with `*.`, or be `*`. */
      readonly host: string;
      readonly port: number;
      /** Begins with `/`; globs `*` and `**`. */
      readonly path: string;
      readonly graphql?: { readonly operation: "query" | "mutation" | "subscription" | "*"; readonly field: string };
    }
  | { readonly kind: "sql"; readonly statement: string; readonly table: string };

export interface Grant {
  readonly match: Matcher;
  readonly when?: string;
  readonly credential?: string;
  /** The other keys of later parts (`identity`, `tunnel`, `allow_private`, `opaque` …), validated, kept as written. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface Credential {
  readonly name: string;
  readonly from: Readonly<Record<string, unknown>>;
  readonly inject?: Readonly<Record<string, unknown>>;
  readonly as?: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface Limit {
  readonly id: string;
  readonly on: Matcher;
  readonly when?: string;
  /** Exact decimal, as text. */
  readonly max: string;
  readonly per:
    | { readonly kind: "window"; readonly ms: Millis }
    | { readonly kind: "calendar"; readonly unit: "hour" | "day" | "week" | "month"; readonly zone: string };
  readonly sum?: string;
  readonly reserve?: string;
  readonly signed: boolean;
  readonly scope: "agent" | "all";
}

export interface RedLine {
  readonly id: string;
  readonly verdict: "never" | "ask";
  readonly match: Matcher;
  readonly when?: string;
  readonly because?: string;
  readonly approvers: readonly string[];
  readonly quorum: number;
  readonly distinct: boolean;
  readonly expires?: Millis;
}

export interface Response {
  readonly on: string;
  readonly count: number;
  readonly per: Millis;
  readonly do: readonly ("freeze" | "kill" | "alert" | "revoke")[];
}

export interface OperatorGroup {
  readonly users: readonly string[];
}

export type Alert = { readonly webhook: string } | { readonly command: readonly string[] };

/** What loading a policy file can come to. Every kind but `ok` is a refusal. */
export type LoadResult =
  | { readonly kind: "ok"; readonly policy: Policy; readonly warnings: readonly PolicyProblem[] }
  | { readonly kind: "missing"; readonly file: string }
  | { readonly kind: "unreadable"; readonly file: string; readonly reason: string }
  | { readonly kind: "invalid"; readonly file: string; readonly problems: readonly PolicyProblem[] };

/** One defect of a policy file. */
export interface PolicyProblem extends Position {
  /** Stable, kebab-case. */
  readonly id: string;
  readonly message: string;
  /** "did you mean …", or what to write instead; empty where there is nothing to add. */
  readonly hint: string;
  /** The offending line, without its line break. */
  readonly sourceLine: string;
}
