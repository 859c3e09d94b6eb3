import { compareDecimals, formatDecimal } from "../core/decimal.ts";
import { parseId } from "../core/names.ts";
import { accepted, type Parsed, refused } from "../core/parsed.ts";
import { didYouMean } from "../core/suggest.ts";
import { type Compilation, mapping } from "./compilation.ts";
import { compileCondition, compileMatcher } from "./compile-matcher.ts";
import type { Path } from "./problems.ts";
import { CalendarSchema, LimitSchema, RedLineSchema, ResponseSchema } from "./schema.ts";
import { named } from "./schema-problems.ts";
import type { Limit, Matcher, OperatorGroup, RedLine, Response } from "./types.ts";

const SECOND = 1000;
const DAY = 86_400 * SECOND;

/** How long a question stays open where the file does not say. */
const DEFAULT_EXPIRY = 10 * 60 * SECOND;

/** What can be added up, by what the limit is on: what the agent asks for, and what came back. */
const SUM_ROOTS: Readonly<Record<Matcher["kind"], readonly string[]>> = {
  tool: ["args", "result"],
  http: ["body", "result"],
  sql: ["result"],
};

export function compileLimit(value: unknown, path: Path, compilation: Compilation): Limit | undefined {
  const written = compilation.parts(LimitSchema, value);
  const raw = mapping(value);
  takeRuleId(written.id, path, compilation);
  const on = raw["on"] === undefined ? undefined : compileMatcher(raw["on"], [...path, "on"], compilation);
  const when = compileCondition(written.when, raw["on"], [...path, "when"], compilation);
  const max = compilation.amount(written.max, [...path, "max"]);
  const per = compilePeriod(raw["per"], [...path, "per"], compilation);
  const reserve = compilation.amount(written.reserve, [...path, "reserve"]);
  const { sum } = written;
  if (raw["sum"] === undefined) {
    compilation.misplaced(value, ["reserve", "signed"], path, 'goes with "sum"; without it, actions are counted');
    if (max !== undefined && max.scale > 0) {
      const message = `${named([...path, "max"])} counts actions, and ${formatDecimal(max)} is not a whole number`;
      compilation.problem("number-out-of-range", [...path, "max"], message, 'add "sum" to add up amounts');
    }
  } else if (sum !== undefined && on !== undefined) {
    compilation.take(parseSumPath(sum, on.kind), "sum-path-invalid", [...path, "sum"], sum);
  }
  if (sum?.startsWith("result.") === true && raw["reserve"] === undefined) {
    // Without one, any number of actions could be in flight before the first result is in.
    const hint = 'add "reserve": the amount held while an action is in flight';
    compilation.problem("missing-key", path, `${named(path)} sums what comes back and has no "reserve"`, hint);
  }
  if (max !== undefined && reserve !== undefined && compareDecimals(reserve, max) > 0) {
    const message = `${named([...path, "reserve"])} is more than "max", so nothing would ever be let through`;
    compilation.problem("number-out-of-range", [...path, "reserve"], message);
  }
  const { id } = written;
  if (id === undefined || on === undefined || max === undefined || per === undefined) return undefined;
  return {
    id,
    on,
    ...(when === undefined ? {} : { when }),
    max: formatDecimal(max),
    per,
    ...(sum === undefined ? {} : { sum }),
    ...(reserve === undefined ? {} : { reserve: formatDecimal(reserve) }),
    signed: written.signed ?? false,
    scope: written.scope ?? "agent",
  };
}

function compilePeriod(value: unknown, path: Path, compilation: Compilation): Limit["per"] | undefined {
  if (typeof value === "string") {
    const ms = compilation.duration(value, path, SECOND, 366 * DAY);
    return ms === undefined ? undefined : { kind: "window", ms };
  }
  const written = compilation.parts(CalendarSchema, value);
  if (written.zone === undefined) return undefined;
  const zone = compilation.take(parseZone(written.zone), "zone-unknown", [...path, "zone"], written.zone);
  return zone === undefined || written.calendar === undefined
    ? undefined
    : { kind: "calendar", unit: written.calendar, zone };
}

/** A time zone of the IANA database, by name: an offset would not follow summer time, and `local` depends on the machine. */
function parseZone(text: string): Parsed<string> {
  if (/^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){0,2}$/.test(text)) {
    try {
      const known = new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone;
      return accepted(known.toLowerCase() === text.toLowerCase() ? known : text);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  const names = ["UTC", ...Intl.supportedValuesOf("timeZone")];
  return refused("is not a time zone", didYouMean(text, names) || "write an IANA name such as UTC or Europe/Berlin");
}

function parseSumPath(text: string, kind: Matcher["kind"]): Parsed<string> {
  const roots = SUM_ROOTS[kind];
  const [root = "", ...fields] = text.split(".");
  if (!roots.includes(root)) {
    return refused(
      `does not begin with ${roots.join(" or ")}`,
      didYouMean(root, roots) || `write ${roots.at(-1)}.amount`,
    );
  }
  if (fields.length === 0 || !fields.every((field) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(field))) {
    return refused("is not a path to a field", `write ${root}.amount`);
  }
  return accepted(text);
}

/** Every group that the file names; `undefined` for one whose own entry is broken, which is reported there. */
export type DeclaredOperators = Readonly<Record<string, OperatorGroup | undefined>>;

export function compileRedLine(
  value: unknown,
  path: Path,
  operators: DeclaredOperators,
  compilation: Compilation,
): RedLine | undefined {
  const written = compilation.parts(RedLineSchema, value);
  const raw = mapping(value);
  takeRuleId(written.id, path, compilation);
  const verdict = compilation.exactlyOne(value, ["never", "ask"], path);
  const side = verdict ?? "never";
  const match = verdict === undefined ? undefined : compileMatcher(raw[verdict], [...path, verdict], compilation);
  const when = compileCondition(written.when, raw[side], [...path, "when"], compilation);
  const expires = compilation.duration(written.expires, [...path, "expires"], SECOND, 30 * DAY);
  const quorum = compilation.number(written.quorum, [...path, "quorum"], 1, 100, true);
  if (verdict === "never") {
    const reason = 'goes with "ask" only; "never" leaves nothing to approve';
    compilation.misplaced(value, ["approvers", "quorum", "distinct", "expires"], path, reason);
  }
  const approvers = verdict === "ask" ? compileApprovers(value, path, operators, compilation) : [];
  const { id } = written;
  if (id === undefined || verdict === undefined || match === undefined) return undefined;
  return {
    id,
    verdict,
    match,
    ...(when === undefined ? {} : { when }),
    ...(written.because === undefined ? {} : { because: written.because.trim() }),
    approvers,
    quorum: quorum ?? 1,
    distinct: written.distinct ?? true,
    ...(verdict === "ask" ? { expires: expires ?? DEFAULT_EXPIRY } : {}),
  };
}

/** Who may approve: the groups named, or the only group there is. A question that nobody can answer is a mistake. */
function compileApprovers(
  value: unknown,
  path: Path,
  operators: DeclaredOperators,
  compilation: Compilation,
): readonly string[] {
  const written = compilation.parts(RedLineSchema, value);
  // Something else than a list of names, which the schema's own pass has said.
  if (written.approvers === undefined && mapping(value)["approvers"] !== undefined) return [];
  const groups = Object.keys(operators);
  const approvers = written.approvers ?? (groups.length === 1 ? groups : []);
  if (approvers.length === 0) {
    const hint =
      groups.length === 0 ? "define a group under `operators`, and name it here" : `name some of: ${groups.join(", ")}`;
    compilation.problem("approvers-missing", path, `${named(path)} asks nobody: it has no "approvers"`, hint);
    return [];
  }
  const at = [...path, "approvers"];
  compilation.distinct(approvers, at);
  for (const [index, group] of approvers.entries()) {
    compilation.reference("operators", group, [...at, index], "operator group");
  }
  if (written.distinct !== false && approvers.every((group) => operators[group] !== undefined)) {
    const people = new Set(approvers.flatMap((group) => operators[group]?.users ?? []));
    const quorum = written.quorum ?? 1;
    if (people.size < quorum) {
      const message = `${named(path)} takes ${quorum} people, and its approvers are ${people.size}`;
      compilation.problem("quorum-unreachable", [...path, "quorum"], message, "lower it, or add people to the groups");
    }
  }
  return approvers;
}

export function compileResponse(value: unknown, path: Path, compilation: Compilation): Response | undefined {
  const written = compilation.parts(ResponseSchema, value);
  const count = compilation.number(written.count, [...path, "count"], 1, 1_000_000, true) ?? 1;
  const per = compilation.duration(written.per, [...path, "per"], SECOND, 366 * DAY);
  if (count > 1 && mapping(value)["per"] === undefined) {
    compilation.problem(
      "missing-key",
      path,
      `${named(path)} counts to ${count} and has no "per"`,
      "add the time, such as per: 1m",
    );
  }
  compilation.distinct(written.do ?? [], [...path, "do"]);
  if (written.on === undefined || written.do === undefined) return undefined;
  // One of them is one of them, in whatever time.
  return { on: written.on, count, per: count === 1 ? 0 : (per ?? 0), do: written.do };
}

function takeRuleId(id: string | undefined, path: Path, compilation: Compilation): void {
  if (id === undefined) return;
  const at = [...path, "id"];
  compilation.take(parseId(id), "name-invalid", at, id);
  const first = compilation.ruleIds.get(id);
  if (first === undefined) {
    compilation.ruleIds.set(id, compilation.document.position(at));
    return;
  }
  const hint = `the first is on line ${first.line}; limits and red lines share their ids`;
  compilation.problem("duplicate-id", at, `a second rule has the id "${id}"`, hint);
}
