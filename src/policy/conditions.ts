import { Environment, ParseError } from "@marcbachmann/cel-js";
import { suggest } from "../core/suggest.ts";
import type { ProblemId } from "./problems.ts";
import type { Matcher } from "./types.ts";

/**
 * The names that a condition can use, by what the rule matches. Their values come from the request, that is from the agent,
 * except for `agent`, the name of who asks.
 */
export const CONDITION_NAMES: Readonly<Record<Matcher["kind"], Readonly<Record<string, string>>>> = {
  tool: { agent: "string", server: "string", tool: "string", args: "dyn" },
  http: {
    agent: "string",
    method: "string",
    host: "string",
    port: "int",
    path: "string",
    query: "map",
    headers: "map",
    body: "dyn",
    graphql: "dyn",
  },
  sql: { agent: "string", statement: "string", tables: "list", has_where: "bool" },
};

/** Longest condition: it is read by people, and evaluated on every request. */
const MAX_LENGTH = 4096;

/** Operators that never give true or false, whatever the types of JSON values turn out to be. */
const ARITHMETIC: ReadonlySet<string> = new Set(["+", "-", "*", "/", "%", "-_"]);

export interface ConditionProblem {
  readonly id: ProblemId;
  readonly message: string;
  readonly hint: string;
  /** UTF-16 code units from the condition's beginning. */
  readonly offset: number;
}

/** Parses and type-checks a condition; `undefined` where there is nothing to say. Never evaluates it. */
export function checkCondition(text: string, kind: Matcher["kind"]): ConditionProblem | undefined {
  if (text.trim() === "")
    return { id: "condition-syntax", message: "the condition is empty", hint: "remove `when:`", offset: 0 };
  if (text.length > MAX_LENGTH) {
    return {
      id: "condition-syntax",
      message: `the condition is longer than ${MAX_LENGTH} characters`,
      hint: "",
      offset: 0,
    };
  }
  try {
    const parsed = environment(kind).parse(text);
    const result = parsed.check();
    if (!result.valid) return typeProblem(result.error, kind);
    const number = ARITHMETIC.has(parsed.ast.op);
    if (!number && (result.type === "bool" || result.type === "dyn")) return undefined;
    return {
      id: "condition-type",
      message: `the condition gives ${number ? "a number" : (result.type ?? "something")}, not true or false`,
      hint: "compare it with something",
      offset: 0,
    };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const hint =
      error.code === "unexpected_character" && text[error.range?.start ?? 0] === "=" ? "compare with ==" : "";
    return {
      id: "condition-syntax",
      message: `not a CEL expression: ${summary(error)}`,
      hint,
      offset: error.range?.start ?? 0,
    };
  }
}

function typeProblem(error: unknown, kind: Matcher["kind"]): ConditionProblem {
  const range = rangeOf(error);
  const unknown = /^Unknown variable: (.*)$/s.exec(summary(error))?.[1];
  if (unknown === undefined) {
    return {
      id: "condition-type",
      message: `the condition cannot be evaluated: ${summary(error)}`,
      hint: "",
      offset: range,
    };
  }
  const names = Object.keys(CONDITION_NAMES[kind]);
  const meant = suggest(unknown, names);
  return {
    id: "condition-unknown-name",
    message: `a condition on ${kind === "tool" ? "a tool call" : kind === "http" ? "an HTTP request" : "a SQL statement"} knows no "${unknown}"`,
    hint: meant === undefined ? `known here: ${names.join(", ")}` : `did you mean "${meant}"?`,
    offset: range,
  };
}

function summary(error: unknown): string {
  if (typeof error === "object" && error !== null && "summary" in error && typeof error.summary === "string")
    return error.summary;
  return error instanceof Error ? error.message : String(error);
}

function rangeOf(error: unknown): number {
  if (typeof error !== "object" || error === null || !("range" in error)) return 0;
  const { range } = error;
  return typeof range === "object" && range !== null && "start" in range && typeof range.start === "number"
    ? range.start
    : 0;
}

const environments = new Map<Matcher["kind"], Environment>();

function environment(kind: Matcher["kind"]): Environment {
  const known = environments.get(kind);
  if (known !== undefined) return known;
  const made = new Environment({ unlistedVariablesAreDyn: false, homogeneousAggregateLiterals: false });
  for (const [name, type] of Object.entries(CONDITION_NAMES[kind])) made.registerVariable(name, type);
  // Numbers are exact decimals here, so that whole ones and others mix; CEL itself keeps them apart.
  for (const operator of ["+", "-", "*", "/", "%"]) {
    made.registerOperator(`int ${operator} double: double`, neverEvaluated);
    made.registerOperator(`double ${operator} int: double`, neverEvaluated);
  }
  made.registerOperator("int == double", neverEvaluated);
  environments.set(kind, made);
  return made;
}

function neverEvaluated(): never {
  throw new TypeError("conditions are only checked here");
}
