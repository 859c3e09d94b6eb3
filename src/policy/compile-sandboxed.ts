import { parseId } from "../core/names.ts";
import { isInside } from "../core/paths.ts";
import { type Compilation, items, mapping, quote } from "./compilation.ts";
import { compileGrant } from "./compile-matcher.ts";
import { type InnerPath, parseInnerPath } from "./paths.ts";
import type { Path } from "./problems.ts";
import { AcceptanceSchema, AgentSchema, ResourcesSchema } from "./schema.ts";
import { named } from "./schema-problems.ts";
import type { Acceptance, Grant, Resources, Sandboxed, SealedEntry, Shape } from "./types.ts";

/** Names that Hardline gives the agent itself; a policy that could set them could point the agent at another gateway. */
const RESERVED_PREFIX = "HARDLINE_";
const RESERVED_NAMES = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"];

/**
 * Reads what an agent and a tool server have in common.
 *
 * @param value the entry as written; nothing in it has to be what it should.
 */
export function compileSandboxed(
  name: string,
  value: unknown,
  path: Path,
  holder: "agent" | "tool",
  compilation: Compilation,
): Sandboxed | undefined {
  const { run } = compilation.parts(AgentSchema, value);
  if (run !== undefined) compilation.command(run, [...path, "run"]);
  const shape = compileShape(value, path, compilation);
  const { read: paths, env: variables, resources: amounts, accept: acceptances } = mapping(value);
  const read = compileRead(items(paths), [...path, "read"], compilation);
  const env = compileEnv(mapping(variables), [...path, "env"], compilation);
  const resources = compileResources(amounts, [...path, "resources"], compilation);
  const allow = compileGrants(value, path, holder, compilation);
  const accept = compileAccept(items(acceptances), [...path, "accept"], compilation);
  if (run === undefined || shape === undefined) return undefined;
  return { name, run, shape, read, env, resources, allow, accept };
}

/** Reads the `allow` of an entry. */
export function compileGrants(value: unknown, path: Path, holder: "agent" | "tool", compilation: Compilation): Grant[] {
  const written = items(mapping(value)["allow"]);
  return written.flatMap((grant, index) => compileGrant(grant, [...path, "allow", index], holder, compilation) ?? []);
}

function compileShape(value: unknown, path: Path, compilation: Compilation): Shape | undefined {
  const raw = mapping(value);
  const kind = compilation.exactlyOne(value, ["root", "workspace"], path);
  if (kind === "workspace") {
    compilation.misplaced(value, ["mutable"], path, 'goes with "root"; a workspace is mutable as it is');
  } else if (kind === "root") {
    compilation.misplaced(value, ["sealed"], path, 'goes with "workspace"; a root is sealed as it is');
  }
  const holes = compileMutable(items(raw["mutable"]), [...path, "mutable"], compilation);
  const entries = compileSealed(raw["sealed"], [...path, "sealed"], compilation);
  if (kind === undefined) return undefined;
  const directory = compilation.hostPath(compilation.parts(AgentSchema, value)[kind], [...path, kind]);
  if (directory === undefined) return undefined;
  if (kind === "root") return { kind, root: directory, mutable: holes };
  return { kind, workspace: directory, sealed: entries };
}

function compileMutable(written: readonly unknown[], path: Path, compilation: Compilation): string[] {
  const paths = innerPaths(textsOf(written, path), compilation);
  refuseNested(paths, "mutable", compilation);
  return paths.map(({ inner }) => inner.path).sort();
}

/** A list of names, or a mapping from names to the files that are laid over them. */
function compileSealed(written: unknown, path: Path, compilation: Compilation): SealedEntry[] {
  const sources = new Map<string, string>();
  for (const [text, source] of Object.entries(mapping(written))) {
    const absolute = typeof source === "string" ? compilation.hostPath(source, [...path, text]) : undefined;
    if (absolute !== undefined) sources.set(text, absolute);
  }
  const names = Object.keys(mapping(written)).map((text) => ({ text, at: [...path, text] }));
  const paths = innerPaths([...names, ...textsOf(items(written), path)], compilation);
  refuseNested(paths, "sealed", compilation);
  const entries = paths.map(({ text, inner }): SealedEntry => {
    const source = sources.get(text);
    return { path: inner.path, ...(source === undefined ? {} : { source }), directory: inner.directory };
  });
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

interface PlacedText {
  readonly text: string;
  readonly at: Path;
}

/** The texts of a list, each with its place. */
function textsOf(written: readonly unknown[], path: Path): readonly PlacedText[] {
  return written.flatMap((text, index) => (typeof text === "string" ? [{ text, at: [...path, index] }] : []));
}

interface PlacedPath extends PlacedText {
  readonly inner: InnerPath;
}

function innerPaths(written: readonly PlacedText[], compilation: Compilation): PlacedPath[] {
  return written.flatMap(({ text, at }) => {
    const parsed = parseInnerPath(text);
    const leaves = parsed.kind === "refused" && /^is absolute|^leaves/.test(parsed.reason);
    const inner = compilation.take(parsed, leaves ? "path-outside" : "path-invalid", at, text);
    return inner === undefined ? [] : [{ text, inner, at }];
  });
}

/** One inside another says the same thing twice at best, and at worst leaves open which of the two holds. */
function refuseNested(paths: readonly PlacedPath[], state: "mutable" | "sealed", compilation: Compilation): void {
  for (const [index, one] of paths.entries()) {
    for (const [otherIndex, other] of paths.entries()) {
      if (index === otherIndex || !isInside(one.inner.path, other.inner.path)) continue;
      const same = one.inner.path === other.inner.path;
      if (same && index < otherIndex) continue;
      const message = same
        ? `${named(one.at.slice(0, -1))} names ${quote(one.text)} twice`
        : `${named(one.at.slice(0, -1))}: ${quote(one.text)} lies inside ${quote(other.text)}, which is ${state} already`;
      compilation.report.add(
        same ? "duplicate-item" : "path-nested",
        placeOf(one.at, compilation),
        message,
        "keep one of them",
      );
      break;
    }
  }
}

/** An item of a list stands where it is; an entry of a map is named by its key. */
function placeOf(at: Path, compilation: Compilation) {
  return compilation.document.keyPosition(at);
}

function compileRead(written: readonly unknown[], path: Path, compilation: Compilation): string[] {
  const seen = new Set<string>();
  return textsOf(written, path).flatMap(({ text, at }) => {
    const absolute = compilation.hostPath(text, at);
    if (absolute === undefined) return [];
    if (seen.has(absolute)) {
      compilation.problem("duplicate-item", at, `${named(path)} names ${quote(text)} twice`, "keep one");
    }
    seen.add(absolute);
    return [absolute];
  });
}

function compileEnv(
  written: Readonly<Record<string, unknown>>,
  path: Path,
  compilation: Compilation,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(written)) {
    const at = [...path, name];
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      const hint = 'use letters, digits and "_", beginning with a letter';
      compilation.problemAtKey("env-name-invalid", at, `${quote(name)} cannot name an environment variable`, hint);
    } else if (name.startsWith(RESERVED_PREFIX) || RESERVED_NAMES.includes(name.toUpperCase())) {
      compilation.problemAtKey("env-name-reserved", at, `${name} is Hardline's own to set`, "remove it");
    }
    if (typeof value !== "string") continue;
    if (value.includes("\0")) compilation.problem("text-invalid", at, `${named(at)} has a NUL character`);
    env[name] = value;
  }
  return env;
}

function compileResources(value: unknown, path: Path, compilation: Compilation): Resources {
  const written = compilation.parts(ResourcesSchema, value);
  // The lower bounds are what any program needs to start at all.
  const memory = compilation.size(written.memory, [...path, "memory"], 1024 ** 2);
  const processes = compilation.number(written.processes, [...path, "processes"], 1, 4_194_304, true);
  const cpus = compilation.number(written.cpus, [...path, "cpus"], 0.01, 4096, false);
  const openFiles = compilation.number(written.open_files, [...path, "open_files"], 8, 1_048_576, true);
  const fileSize = compilation.size(written.file_size, [...path, "file_size"], 1);
  const tmp = compilation.size(written.tmp, [...path, "tmp"], 4096);
  return {
    ...(memory === undefined ? {} : { memory }),
    ...(processes === undefined ? {} : { processes }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(openFiles === undefined ? {} : { openFiles }),
    ...(fileSize === undefined ? {} : { fileSize }),
    ...(tmp === undefined ? {} : { tmp }),
  };
}

function compileAccept(written: readonly unknown[], path: Path, compilation: Compilation): Acceptance[] {
  const seen = new Set<string>();
  return written.flatMap((value, index) => {
    const at = [...path, index];
    const { id, because } = compilation.parts(AcceptanceSchema, value);
    if (id !== undefined) {
      compilation.take(parseId(id), "name-invalid", [...at, "id"], id);
      if (seen.has(id)) {
        compilation.problem("duplicate-item", at, `${named(path)} names ${quote(id)} twice`, "keep one");
      }
      seen.add(id);
    }
    if (because !== undefined && because.trim() === "") {
      const message = `accepting ${quote(id ?? "")} takes a reason`;
      compilation.problem("acceptance-without-reason", [...at, "because"], message, "say why the risk is taken");
    }
    return id === undefined || because === undefined ? [] : [{ id, because: because.trim() }];
  });
}
