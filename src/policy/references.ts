import { isInside } from "../core/paths.ts";
import { didYouMean } from "../core/suggest.ts";
import { type Compilation, mapping } from "./compilation.ts";
import type { PolicyMeaning } from "./compile.ts";
import { globMatches } from "./matcher.ts";
import type { Path } from "./problems.ts";
import { named } from "./schema-problems.ts";
import type { Grant, Sandboxed } from "./types.ts";

/**
 * Judges what one part of the file says about another, when all of it has been read. As in `Compilation.reference`, names are
 * looked up among the written entries.
 */
export function checkReferences(meaning: PolicyMeaning, compilation: Compilation): void {
  const root = mapping(compilation.document.value);
  const servers = Object.keys(mapping(root["tools"]));
  const credentials = Object.keys(mapping(root["credentials"]));
  const usedServers = new Set<string>();
  const usedCredentials = new Set<string>();
  checkMatchers(servers, compilation);
  for (const agent of Object.values(meaning.agents)) {
    const path = ["agents", agent.name];
    for (const server of agent.tools) usedServers.add(server);
    checkListed(agent.allow, agent.tools, servers, path, compilation);
    addUsed(agent.allow, usedCredentials);
    checkSecrecy(agent, path, meaning, compilation);
  }
  for (const tool of Object.values(meaning.tools)) {
    const path = ["tools", tool.name];
    addUsed(tool.server.allow, usedCredentials);
    if ("run" in tool.server) checkSecrecy(tool.server, path, meaning, compilation);
  }
  warnUnused("tools", servers, usedServers, "no agent lists this tool server", compilation);
  warnUnused("credentials", credentials, usedCredentials, "no grant uses this credential", compilation);
}

/** A matcher whose server nobody has would guard nothing: a misspelt red line must not pass for a red line. */
function checkMatchers(servers: readonly string[], compilation: Compilation): void {
  for (const { matcher, path } of compilation.matchers) {
    if (matcher.kind !== "tool" || matcher.server === "*") continue;
    if (servers.some((server) => globMatches(matcher.server, server))) continue;
    const hint = didYouMean(matcher.server, servers) || "define it under `tools`";
    compilation.problem("reference-unknown", path, `${named(path)}: there is no tool server "${matcher.server}"`, hint);
  }
}

function checkListed(
  grants: readonly Grant[],
  listed: readonly string[],
  servers: readonly string[],
  path: Path,
  compilation: Compilation,
): void {
  for (const { match } of grants) {
    if (match.kind !== "tool") continue;
    const { server } = match;
    if (listed.some((name) => globMatches(server, name))) continue;
    // Where no such server is defined at all, that has been said.
    if (!servers.some((name) => globMatches(server, name))) continue;
    const use = compilation.matchers.find(({ matcher }) => matcher === match);
    const message = `${named(path)} grants calls to "${server}", which its "tools" do not list`;
    compilation.problem(
      "tool-not-listed",
      use?.path ?? path,
      message,
      `add it: tools: [${[...listed, server].join(", ")}]`,
    );
  }
}

function addUsed(grants: readonly Grant[], used: Set<string>): void {
  for (const { credential } of grants) if (credential !== undefined) used.add(credential);
}

/** A secret's file in a directory that an agent or tool server can read is no secret to it. */
function checkSecrecy(holder: Sandboxed, path: Path, meaning: PolicyMeaning, compilation: Compilation): void {
  const { shape } = holder;
  const readable = [shape.kind === "root" ? shape.root : shape.workspace, ...holder.read];
  if (shape.kind === "workspace") readable.push(...shape.sealed.flatMap(({ source }) => source ?? []));
  for (const credential of Object.values(meaning.credentials)) {
    const file = credential.from["file"];
    if (typeof file !== "string" || !readable.some((directory) => isInside(file, directory))) continue;
    const at = ["credentials", credential.name, "from", "file"];
    const message = `${named(path)} could read the secret itself: its file lies in a directory that is mounted there`;
    compilation.problem("credential-readable", at, message, "move the file to a directory of its own, outside of it");
  }
}

function warnUnused(
  section: string,
  declared: readonly string[],
  used: ReadonlySet<string>,
  message: string,
  compilation: Compilation,
): void {
  for (const name of declared) {
    if (!used.has(name)) compilation.warn("unused", [section, name], `${section}.${name}: ${message}`);
  }
}
