import { type Compilation, isMapping, mapping } from "./compilation.ts";
import { checkCondition } from "./conditions.ts";
import { parseGraphqlMatcher, parseHttpMatcher, parseSqlMatcher, parseToolMatcher } from "./matcher.ts";
import type { Path } from "./problems.ts";
import { GrantSchema, MatcherSchema } from "./schema.ts";
import type { Grant, Matcher } from "./types.ts";

/** Reads what an action matches: exactly one of `tool`, `http` (with `graphql`, if need be) and `sql`. */
export function compileMatcher(value: unknown, path: Path, compilation: Compilation): Matcher | undefined {
  const written = compilation.parts(MatcherSchema, value);
  const kind = compilation.exactlyOne(value, ["tool", "http", "sql"], path);
  if (mapping(value)["http"] === undefined) compilation.misplaced(value, ["graphql"], path, 'goes with "http" only');
  const text = kind === undefined ? undefined : written[kind];
  if (kind === undefined || text === undefined) return undefined;
  const matcher = readMatcher(kind, text, written.graphql, path, compilation);
  if (matcher !== undefined) compilation.matchers.push({ matcher, path: [...path, kind] });
  return matcher;
}

function readMatcher(
  kind: Matcher["kind"],
  text: string,
  graphql: string | undefined,
  path: Path,
  compilation: Compilation,
): Matcher | undefined {
  const at = [...path, kind];
  switch (kind) {
    case "tool":
      return compilation.take(parseToolMatcher(text), "tool-matcher-invalid", at, text);
    case "sql":
      return compilation.take(parseSqlMatcher(text), "sql-matcher-invalid", at, text);
    case "http": {
      const http = compilation.take(parseHttpMatcher(text), "http-matcher-invalid", at, text);
      if (graphql === undefined) return http;
      const parsed = parseGraphqlMatcher(graphql);
      const operation = compilation.take(parsed, "graphql-matcher-invalid", [...path, "graphql"], graphql);
      return http === undefined || operation === undefined ? undefined : { ...http, graphql: operation };
    }
  }
}

/**
 * Reports what is wrong with a condition, where in the expression it is wrong.
 *
 * @param matched the mapping with the matcher that the condition belongs to: it says which names there are.
 */
export function compileCondition(
  when: string | undefined,
  matched: unknown,
  path: Path,
  compilation: Compilation,
): string | undefined {
  if (when === undefined) return undefined;
  const { http, sql } = mapping(matched);
  const problem = checkCondition(when, http !== undefined ? "http" : sql !== undefined ? "sql" : "tool");
  if (problem === undefined) return when.trim();
  const position = compilation.document.positionInText(path, problem.offset);
  compilation.report.add(problem.id, position, problem.message, problem.hint);
  return undefined;
}

const MATCHER_KEYS = Object.keys(MatcherSchema.shape);

/** Reads one grant. `holder` is who it is for: a tool server does not call tools. */
export function compileGrant(
  value: unknown,
  path: Path,
  holder: "agent" | "tool",
  compilation: Compilation,
): Grant | undefined {
  const { when, credential, identity, tunnel, allow_private, opaque } = compilation.parts(GrantSchema, value);
  const raw = mapping(value);
  const matching = Object.fromEntries(Object.entries(raw).filter(([key]) => MATCHER_KEYS.includes(key)));
  const match = compileMatcher(isMapping(value) ? matching : value, path, compilation);
  const condition = compileCondition(when, value, [...path, "when"], compilation);
  if (credential !== undefined) {
    compilation.reference("credentials", credential, [...path, "credential"], "credential");
  }
  const bytes = compilation.size(opaque, [...path, "opaque"], 1);
  if (raw["http"] === undefined) {
    compilation.misplaced(value, ["identity", "tunnel", "allow_private", "opaque"], path, 'goes with "http" only');
  }
  if (raw["tool"] !== undefined) {
    compilation.misplaced(value, ["credential"], path, "goes with the tool server's own grants");
  }
  if (tunnel === true) {
    // What goes through a tunnel is not looked at: nobody could say where a secret in it went.
    const looking = ["credential", "identity", "graphql", "when", "opaque"];
    compilation.misplaced(value, looking, path, "cannot go through a tunnel");
  }
  if (holder === "tool" && raw["tool"] !== undefined) {
    const message = "a tool server cannot be granted tool calls; it makes none";
    compilation.problemAtKey("misplaced-key", [...path, "tool"], message, "move the grant to an agent");
  }
  if (match === undefined) return undefined;
  const options = {
    ...(identity === undefined ? {} : { identity }),
    ...(tunnel === true ? { tunnel } : {}),
    ...(allow_private === true ? { allow_private } : {}),
    ...(bytes === undefined ? {} : { opaque: bytes }),
  };
  return {
    match,
    ...(condition === undefined ? {} : { when: condition }),
    ...(credential === undefined ? {} : { credential }),
    options,
  };
}
