import { createHash } from "node:crypto";
import { posix } from "node:path";
import { canonicalJson } from "../core/json.ts";
import { isInside } from "../core/paths.ts";
import type { PolicyMeaning } from "./compile.ts";
import type { Grant, Sandboxed, Shape, Tool } from "./types.ts";

/** Changes when the same meaning comes to be written down differently below; it is part of what is digested. */
const FORM = "hardline-policy-v1";

/**
 * The digest of what a policy means: SHA-256 over RFC 8785 canonical JSON, as `sha256:<64 hex>`. Comments, the order of keys
 * and of lists that are sets, the spelling of amounts, durations and paths do not enter; neither does where on the machine
 * the file lies. The order of grants does: it decides between two that match.
 *
 * @param dir absolute directory of the policy file; a path in it is digested relative to it.
 * @param writtenRelative host paths that the file gives relative to itself, which `../` may lead out of `dir`.
 */
export function digestOf(meaning: PolicyMeaning, dir: string, writtenRelative: ReadonlySet<string>): string {
  const place = (absolute: string): string =>
    isInside(absolute, dir) || writtenRelative.has(absolute) ? `./${posix.relative(dir, absolute)}` : absolute;
  const form = {
    form: FORM,
    trustDomain: meaning.trustDomain,
    agents: mapValues(meaning.agents, (agent) => ({ ...sandboxedForm(agent, place), tools: asSet(agent.tools) })),
    tools: mapValues(meaning.tools, (tool) => toolForm(tool, place)),
    credentials: mapValues(meaning.credentials, (credential) => {
      const { file } = credential.from;
      return { ...credential, from: typeof file === "string" ? { file: place(file) } : credential.from };
    }),
    limits: asSet(meaning.limits),
    redLines: asSet(meaning.redLines.map((line) => ({ ...line, approvers: asSet(line.approvers) }))),
    respond: asSet(meaning.respond.map((response) => ({ ...response, do: asSet(response.do) }))),
    operators: mapValues(meaning.operators, (group) => ({ users: asSet(group.users) })),
    alerts: asSet(meaning.alerts),
    later: meaning.later,
  };
  return `sha256:${createHash("sha256").update(canonicalJson(form)).digest("hex")}`;
}

function sandboxedForm(sandboxed: Sandboxed, place: (absolute: string) => string): Record<string, unknown> {
  return {
    run: sandboxed.run,
    shape: shapeForm(sandboxed.shape, place),
    read: asSet(sandboxed.read.map(place)),
    env: sandboxed.env,
    resources: sandboxed.resources,
    allow: sandboxed.allow.map(grantForm),
    accept: asSet(sandboxed.accept),
  };
}

function shapeForm(shape: Shape, place: (absolute: string) => string): Record<string, unknown> {
  switch (shape.kind) {
    case "root":
      return { root: place(shape.root), mutable: asSet(shape.mutable) };
    case "workspace": {
      const sealed = shape.sealed.map(({ path, source, directory }) => ({
        path,
        directory,
        source: source === undefined ? undefined : place(source),
      }));
      return { workspace: place(shape.workspace), sealed: asSet(sealed) };
    }
  }
}

function toolForm(tool: Tool, place: (absolute: string) => string): Record<string, unknown> {
  const { server } = tool;
  if ("url" in server) return { url: server.url, allow: server.allow.map(grantForm) };
  return sandboxedForm(server, place);
}

function grantForm(grant: Grant): Record<string, unknown> {
  return { match: grant.match, when: grant.when, credential: grant.credential, options: grant.options };
}

/** A list whose order means nothing. */
function asSet(items: readonly unknown[]): unknown[] {
  return items
    .map((item) => ({ item, key: canonicalJson(item) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ item }) => item);
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
