/** Node.js's resolution of modules, and what the agent could make it find instead. */
import { isBuiltin } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { HOME, type Inquiry } from "../inquiry.ts";
import type { Where } from "../report.ts";
import { isWithin } from "../world.ts";
import { type Manifest, readManifest, targetsOf } from "./manifest.ts";
import { fromFileUrl, type Load } from "./source.ts";

/** A name that the agent could make, and that would be taken before what is there now. */
interface Rival {
  readonly path: string;
  /** A harmless thing to put there: what Node.js passes over. */
  readonly standIn?: "directory";
}

const SUFFIXES = [".js", ".json", ".node"];

/**
 * Judges what one module loads, and answers with the files that are loaded (several where conditions decide, none where
 * nothing is found or nothing needs reading).
 */
export function resolveLoad(inquiry: Inquiry, from: string, load: Load, at: Where): string[] {
  const { specifier } = load;
  if (isBuiltin(specifier)) return [];
  if (specifier.startsWith("file:")) {
    const path = fromFileUrl(specifier);
    return path === undefined ? [] : exact(inquiry, path, specifier, at);
  }
  if (specifier.startsWith("#")) return resolveImports(inquiry, from, specifier, at);
  if (
    specifier === "." ||
    specifier === ".." ||
    specifier.startsWith("./") ||
    specifier.startsWith("../") ||
    specifier.startsWith("/")
  ) {
    const path = resolve(dirname(from), withoutQuery(specifier, load.by));
    if (load.by === "import") return exact(inquiry, path, specifier, at);
    const { file, rivals } = searchFile(inquiry, path, specifier.endsWith("/") || specifier.endsWith("."));
    return conclude(inquiry, specifier, file, rivals, at);
  }
  // `data:`, `http:` and whatever a loader may understand.
  if (specifier.includes(":") && load.by === "import") return [];
  return resolvePackage(inquiry, from, load, at);
}

/** The file that a path without certain suffix comes to in CommonJS, and what could come before it. */
export function searchFile(inquiry: Inquiry, path: string, onlyDirectory: boolean): { file?: string; rivals: Rival[] } {
  const { world } = inquiry;
  const rivals: Rival[] = [];
  /** The first of the names that is a file; those that the agent could make before it are rivals. */
  const first = (...candidates: readonly string[]): string | undefined =>
    candidates.find((candidate) => {
      if (world.kind(candidate) === "file") return true;
      if (world.forgeable(candidate, "file")) rivals.push({ path: candidate, standIn: "directory" });
      return false;
    });
  const asFile = (name: string): string | undefined => first(name, ...SUFFIXES.map((suffix) => name + suffix));
  const asIndex = (directory: string): string | undefined =>
    first(...SUFFIXES.map((suffix) => join(directory, `index${suffix}`)));

  let file = onlyDirectory ? undefined : asFile(path);
  if (file === undefined && world.kind(path) === "directory") {
    const manifest = join(path, "package.json");
    if (world.forgeable(manifest, "file")) rivals.push({ path: manifest, standIn: "directory" });
    const main = readManifest(inquiry, manifest)?.main;
    // What `main` names is a file or a directory with an index, never a package of its own.
    if (main !== undefined) file = asFile(resolve(path, main)) ?? asIndex(resolve(path, main));
    file ??= asIndex(path);
  }
  return { rivals, ...(file !== undefined && { file }) };
}

/** The package.json that governs a file. Its absence is a hazard wherever the agent could create one on the way up. */
export function governingManifest(
  inquiry: Inquiry,
  from: string,
  why: string,
  at: Where,
  grave: boolean,
): Manifest | undefined {
  const { world, report } = inquiry;
  for (let directory = dirname(from); ; directory = dirname(directory)) {
    if (basename(directory) === "node_modules") return undefined;
    const path = join(directory, "package.json");
    const there = world.kind(path) === "file";
    const open = there ? world.agentDecides(path) : world.forgeable(path, "file");
    // A directory of that name is passed over, as if nothing were there.
    if (open && (there || !world.standIn(path, "directory", "node-package-scope"))) {
      report.add("node-package-scope", {
        at,
        severity: grave ? "error" : "warning",
        message: `the agent can ${there ? "write" : "create"} ${path}, which ${why}`,
        fix: fixFor(inquiry, path),
      });
      return undefined;
    }
    if (there) return readManifest(inquiry, path);
    if (directory === "/") return undefined;
  }
}

function resolveImports(inquiry: Inquiry, from: string, specifier: string, at: Where): string[] {
  const manifest = governingManifest(inquiry, from, `decides what \`${specifier}\` means`, at, true);
  if (manifest === undefined) return [];
  return targetsOf(manifest.imports, specifier).flatMap((target) => {
    if (target.startsWith("./")) return exact(inquiry, resolve(manifest.directory, target), specifier, at);
    return resolvePackage(
      inquiry,
      join(manifest.directory, "package.json"),
      { specifier: target, by: "import", offset: 0 },
      at,
    );
  });
}

function resolvePackage(inquiry: Inquiry, from: string, load: Load, at: Where): string[] {
  const { world } = inquiry;
  const { specifier } = load;
  if (isBuiltin(specifier)) return [];
  const segments = specifier.split("/");
  const name = segments.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  const subpath = specifier.slice(name.length + 1);
  // A manifest whose name is the package's takes the import for itself.
  const own = governingManifest(
    inquiry,
    from,
    `could redirect \`${specifier}\` by its \`name\` and \`exports\``,
    at,
    true,
  );
  if (own?.name === name && own.exports !== undefined) {
    return targetsOf(own.exports, subpath === "" ? "." : `./${subpath}`).flatMap((target) =>
      exact(inquiry, resolve(own.directory, target), specifier, at),
    );
  }
  const rivals: Rival[] = [];
  for (let directory = dirname(from); ; directory = dirname(directory)) {
    const modules = join(directory, "node_modules");
    if (basename(directory) !== "node_modules") {
      if (world.kind(modules) !== "directory") {
        if (world.forgeable(modules, "directory")) rivals.push({ path: modules, standIn: "directory" });
      } else {
        const found = inPackageDirectory(inquiry, join(modules, name), subpath, load, rivals);
        if (found !== undefined) return conclude(inquiry, specifier, found, rivals, at);
      }
    }
    if (directory === "/") break;
  }
  if (rivals.length === 0 && load.by === "require") warnOfHome(inquiry, specifier, at);
  return conclude(inquiry, specifier, undefined, rivals, at);
}

/** CommonJS looks into `~/.node_modules` at last: fresh in every run, but the agent's to fill for the rest of the run. */
function warnOfHome(inquiry: Inquiry, specifier: string, at: Where): void {
  const home = join(inquiry.agent.env["HOME"] ?? HOME, ".node_modules");
  if (!inquiry.world.forgeable(home, "directory")) return;
  inquiry.report.add("node-import-shadowed", {
    at,
    severity: "warning",
    message: `\`${specifier}\` is not installed, and is looked for in ${home} at last, which the agent can create during a run`,
    fix: `Install ${specifier} where it is sealed, use \`import\` (which does not look there), or take the import out.`,
  });
}

function inPackageDirectory(
  inquiry: Inquiry,
  directory: string,
  subpath: string,
  load: Load,
  rivals: Rival[],
): string | undefined {
  const { world } = inquiry;
  if (world.kind(directory) === "directory") {
    const path = join(directory, "package.json");
    const manifest = readManifest(inquiry, path);
    if (manifest === undefined && world.forgeable(path, "file")) rivals.push({ path });
    if (manifest?.exports !== undefined) {
      const [target] = targetsOf(manifest.exports, subpath === "" ? "." : `./${subpath}`);
      return target === undefined ? path : join(directory, target);
    }
    if (manifest !== undefined && world.agentDecides(path)) return path;
  } else if (load.by === "import") {
    if (world.forgeable(directory, "directory")) rivals.push({ path: directory });
    return undefined;
  }
  const search = searchFile(inquiry, join(directory, subpath), false);
  rivals.push(...search.rivals);
  if (search.file === undefined && world.forgeable(directory, "directory")) rivals.push({ path: directory });
  return search.file;
}

function exact(inquiry: Inquiry, path: string, specifier: string, at: Where): string[] {
  const there = inquiry.world.kind(path) === "file";
  const rivals = !there && inquiry.world.forgeable(path, "file") ? [{ path }] : [];
  return conclude(inquiry, specifier, there ? path : undefined, rivals, at);
}

/** Says what is to be said about one resolution; answers with the file where it is worth reading. */
function conclude(
  inquiry: Inquiry,
  specifier: string,
  file: string | undefined,
  rivals: readonly Rival[],
  at: Where,
): string[] {
  const { world, report } = inquiry;
  if (file !== undefined && world.agentDecides(file)) {
    // Data is not code: a mutable JSON file is judged by its name, as every other that is read.
    if (!file.endsWith(".json") || basename(file) === "package.json") {
      report.add("node-import-mutable", {
        at,
        message: `\`${specifier}\` is loaded from ${file}, which the agent can write`,
        fix: fixFor(inquiry, file),
      });
      return [];
    }
    return [file];
  }
  const open = rivals.find(
    (rival) =>
      !(file !== undefined || rival.path.endsWith("/node_modules")) ||
      rival.standIn === undefined ||
      !world.standIn(rival.path, rival.standIn, "node-import-shadowed"),
  );
  if (open !== undefined) {
    const there = world.kind(open.path) !== "absent";
    report.add("node-import-shadowed", {
      at,
      message: `\`${specifier}\` would take ${open.path}, which the agent can ${there ? "write" : "create"}, ${file === undefined ? "as no sealed module has the name" : `before ${file}`}`,
      fix: fixFor(inquiry, open.path),
    });
  }
  return file === undefined ? [] : [file];
}

/** In ES modules a query or fragment is part of the URL, not of the file's name. */
function withoutQuery(specifier: string, by: Load["by"]): string {
  if (by === "require") return specifier;
  const end = [specifier.indexOf("?"), specifier.indexOf("#")].filter((index) => index !== -1);
  const path = specifier.slice(0, Math.min(specifier.length, ...end));
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function fixFor(inquiry: Inquiry, path: string): string {
  const { world, agent } = inquiry;
  if (world.place(path) === "scratch" && basename(path) === "package.json") {
    return "Put a package.json into the project, or keep the project in a directory that is not below /tmp.";
  }
  if (world.place(path) === "scratch")
    return "Keep the project, and what it loads, in a directory that is not below /tmp.";
  if (agent.shape.kind === "root" || !isWithin(path, world.base)) {
    return `Rename or move the mutable place that holds ${path}: modules belong in sealed directories.`;
  }
  const directory = dirname(path) === world.base ? "" : dirname(path).slice(world.base.length + 1);
  if (directory === "") {
    return (
      `Add \`${basename(path)}\` to \`sealed:\` where it is yours; best put the program and its packages into a directory of ` +
      "their own and seal that (`sealed: [app/]`), or use `root:` with `mutable:`."
    );
  }
  return `Seal the whole directory ${directory}/.`;
}
