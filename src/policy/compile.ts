import { parseId, parseLabel, parseTrustDomain } from "../core/names.ts";
import { type Parsed, refused } from "../core/parsed.ts";
import { type Compilation, isMapping, items, mapping, quote } from "./compilation.ts";
import { compileLimit, compileRedLine, compileResponse } from "./compile-rules.ts";
import { compileGrants, compileSandboxed } from "./compile-sandboxed.ts";
import { compileAlert, compileCredential, compileOperatorGroup, parseServerUrl } from "./compile-services.ts";
import type { Path } from "./problems.ts";
import { checkReferences } from "./references.ts";
import { AgentSchema, ToolSchema } from "./schema.ts";
import type { Agent, Policy, Tool } from "./types.ts";

/** A policy before it has a file name and a digest. */
export type PolicyMeaning = Omit<Policy, "file" | "dir" | "digest" | "positions">;

/** The sections that later parts read; nothing looks into them yet. */
const LATER_SECTIONS = ["ledger", "backup", "changes", "blast_radius"];

/**
 * Reads the meaning out of a document. Each entry is read if its own shape is sound, so that a mistake in one does not hide
 * those in the others. What comes back is a policy only if the report is still empty.
 */
export function compile(compilation: Compilation): PolicyMeaning {
  const root = mapping(compilation.document.value);
  const trustDomain = root["trust_domain"];
  if (typeof trustDomain === "string") {
    compilation.take(parseTrustDomain(trustDomain), "trust-domain-invalid", ["trust_domain"], trustDomain);
  }
  if (isMapping(root["agents"]) && Object.keys(root["agents"]).length === 0) {
    compilation.problemAtKey("empty-list", ["agents"], "agents is empty", "a policy is for at least one agent");
  }
  const operators = namedEntries("operators", parseId, compileOperatorGroup, compilation);
  const declared = Object.fromEntries(Object.keys(mapping(root["operators"])).map((name) => [name, operators[name]]));
  const meaning: PolicyMeaning = {
    version: 1,
    ...(typeof trustDomain === "string" ? { trustDomain } : {}),
    agents: namedEntries("agents", parseLabel, compileAgent, compilation),
    tools: namedEntries("tools", parseLabel, compileTool, compilation),
    credentials: namedEntries("credentials", parseId, compileCredential, compilation),
    limits: listed("limits", compileLimit, compilation),
    redLines: listed("red_lines", (value, path) => compileRedLine(value, path, declared, compilation), compilation),
    respond: listed("respond", compileResponse, compilation),
    operators,
    alerts: listed("alerts", compileAlert, compilation),
    later: Object.fromEntries(LATER_SECTIONS.filter((key) => key in root).map((key) => [key, plain(root[key])])),
  };
  checkReferences(meaning, compilation);
  return meaning;
}

function compileAgent(name: string, value: unknown, path: Path, compilation: Compilation): Agent | undefined {
  const sandboxed = compileSandboxed(name, value, path, "agent", compilation);
  const { tools = [] } = compilation.parts(AgentSchema, value);
  compilation.distinct(tools, [...path, "tools"]);
  for (const [index, server] of tools.entries()) {
    compilation.reference("tools", server, [...path, "tools", index], "tool server");
  }
  return sandboxed && { ...sandboxed, tools };
}

function compileTool(name: string, value: unknown, path: Path, compilation: Compilation): Tool | undefined {
  const kind = compilation.exactlyOne(value, ["run", "url"], path);
  if (kind === "run") {
    const server = compileSandboxed(name, value, path, "tool", compilation);
    return server && { name, server };
  }
  if (kind === undefined) return undefined;
  const reason = 'goes with "run"; what is served elsewhere runs in no sandbox of Hardline\'s';
  const here = ["root", "mutable", "workspace", "sealed", "read", "env", "resources", "accept"];
  compilation.misplaced(value, here, path, reason);
  const { url } = compilation.parts(ToolSchema, value);
  const address =
    url === undefined ? undefined : compilation.take(parseServerUrl(url), "url-invalid", [...path, "url"], url);
  const allow = compileGrants(value, path, "tool", compilation);
  return address === undefined ? undefined : { name, server: { url: address, allow } };
}

/** Reads a section of named entries. */
function namedEntries<T>(
  section: string,
  parseName: (text: string) => Parsed<string>,
  read: (name: string, value: unknown, path: Path, compilation: Compilation) => T | undefined,
  compilation: Compilation,
): Record<string, T> {
  const result: Record<string, T> = {};
  for (const [name, value] of Object.entries(mapping(mapping(compilation.document.value)[section]))) {
    const path = [section, name];
    // An own property of this name on a plain object would answer for a name that nobody has declared.
    const parsed =
      name === "constructor" ? refused("is not a name that can be used", "choose another") : parseName(name);
    if (parsed.kind === "refused") {
      compilation.problemAtKey("name-invalid", path, `${section}: ${quote(name)} ${parsed.reason}`, parsed.hint);
    }
    const entry = read(name, value, path, compilation);
    if (entry !== undefined) result[name] = entry;
  }
  return result;
}

/** Reads a section that is a list. */
function listed<T>(
  section: string,
  read: (value: unknown, path: Path, compilation: Compilation) => T | undefined,
  compilation: Compilation,
): T[] {
  const written = items(mapping(compilation.document.value)[section]);
  return written.flatMap((value, index) => read(value, [section, index], compilation) ?? []);
}

/** Without the prototype-less maps of the document, so that the policy is what JSON would give back. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}
