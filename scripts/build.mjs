/**
 * Bundles the command line into dist/.
 *
 * Start-up time decides the shape. CommonJS starts sooner than ES modules, one file sooner than several, and a library that
 * is not loaded costs nothing. So:
 *
 * - each program of PROGRAMS becomes one file with everything that it imports statically, and no package from npm;
 * - each `import("./x.ts")` in the sources becomes a file of its own in dist/lazy-<build>/, loaded when it is reached. What
 *   such a file shares with the main program it takes from there, never from a copy, so that a class is the same class
 *   everywhere. The directory's name keeps a process that is running during an upgrade from loading the next version's
 *   files into itself.
 *
 * Nothing is done when dist/ already holds the bundle of these sources. `--force` builds all the same.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, "src");
const target = join(root, "dist");

/** File in dist/ → its source. `main` is the one whose modules the lazy files share. */
const PROGRAMS = { hardline: "cli/boot.ts", main: "cli/main.ts" };

/** Finds its WebAssembly file by its own place, so it stays where it is in node_modules. */
const STAYS_OUTSIDE = ["sh-syntax"];

/** An import of one of our own modules. */
const OURS = /^\.{1,2}\/.*\.ts$/;

const TO_COMMON_JS = { format: "cjs", supported: { "dynamic-import": false }, platform: "node", target: "node24" };

/** A digest over everything that the bundle is made from: 32 hex digits. */
export function buildId() {
  const hash = createHash("sha256");
  const inputs = [fileURLToPath(import.meta.url), join(root, "package.json"), join(root, "package-lock.json")];
  for (const path of [...sources(source), ...inputs]) {
    hash
      .update(`${relative(root, path)}\0`)
      .update(readFileSync(path))
      .update("\0");
  }
  return hash.digest("hex").slice(0, 32);
}

function sources(directory) {
  const files = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) files.push(...sources(path));
    else if (entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts")) files.push(path);
  }
  return files.sort();
}

/** True where dist/ holds the bundle of these very sources. */
export function isBuilt(id) {
  try {
    return readFileSync(join(target, "BUILD_ID"), "utf8").trim() === id;
  } catch {
    return false;
  }
}

async function build(id) {
  const { build: bundle, transform } = await import("esbuild");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const context = {
    bundle,
    transform,
    /** Directory of the lazy files, in dist/. */
    lazyDirectory: `lazy-${id.slice(0, 12)}`,
    common: {
      absWorkingDir: root,
      bundle: true,
      write: false,
      metafile: true,
      platform: "node",
      target: "node24",
      legalComments: "none",
      logLevel: "warning",
      minifySyntax: true,
      minifyWhitespace: true,
      define: {
        HARDLINE_VERSION: JSON.stringify(version),
        HARDLINE_BUILD_ID: JSON.stringify(id),
        "import.meta.dirname": "__dirname",
        "import.meta.filename": "__filename",
      },
    },
  };
  const { outputs, shared, lazy } = await bundlePrograms(context);
  const exported = await exportsOf(context, shared);
  for (const [name, text] of await bundleLazy(context, lazy, shared, exported)) outputs.set(name, text);
  outputs.set("BUILD_ID", `${id}\n`);
  install(outputs, id);
}

/** The programs, the modules that the main one holds, and the sources that any of them reaches by `import()`. */
async function bundlePrograms({ bundle, common, lazyDirectory }) {
  const outputs = new Map();
  const lazy = new Set();
  let shared = [];
  /** `import("./x.ts")` → `require` of the lazy file, or of the program itself where it is one. */
  const lazyImports = {
    name: "lazy-imports",
    setup(plugin) {
      plugin.onResolve({ filter: OURS }, ({ path, kind, resolveDir }) => {
        if (kind !== "dynamic-import") return undefined;
        const file = resolve(resolveDir, path);
        const program = Object.entries(PROGRAMS).find(([, entry]) => join(source, entry) === file);
        if (program !== undefined) return { path: `./${program[0]}.cjs`, external: true };
        lazy.add(file);
        return { path: `./${lazyDirectory}/${lazyName(file)}.cjs`, external: true };
      });
    },
  };
  for (const [name, entry] of Object.entries(PROGRAMS)) {
    const options = { ...common, ...TO_COMMON_JS, plugins: [lazyImports] };
    let result = await bundle({ ...options, entryPoints: [join(source, entry)] });
    const inputs = Object.keys(result.metafile.inputs);
    const packages = inputs.filter((path) => path.includes("node_modules/"));
    if (packages.length > 0) {
      throw new Error(`${name}.cjs must not hold packages, load them with import(): ${packages.join(", ")}`);
    }
    if (name === "main") {
      shared = inputs.map((path) => join(root, path));
      const lines = shared.map((path, index) => `export * as shared${index} from ${JSON.stringify(path)};`);
      const contents = `export * from ${JSON.stringify(join(source, entry))};\n${lines.join("\n")}`;
      result = await bundle({
        ...options,
        stdin: { contents, resolveDir: source, sourcefile: "main.ts", loader: "ts" },
      });
    }
    outputs.set(`${name}.cjs`, result.outputFiles[0].text);
  }
  return { outputs, shared, lazy };
}

function lazyName(path) {
  return relative(source, path).replace(/\.ts$/, "").replaceAll("/", "-");
}

/** What each shared module exports, by its name in main.cjs. */
async function exportsOf({ bundle, common }, shared) {
  const { metafile } = await bundle({
    ...common,
    bundle: false,
    format: "esm",
    outdir: target,
    entryPoints: shared,
  });
  return new Map(
    Object.values(metafile.outputs).map((output) => [
      `shared${shared.indexOf(join(root, output.entryPoint))}`,
      output.exports,
    ]),
  );
}

/** The lazy files, and what several of them have in common. Split as ES modules, then turned into CommonJS one by one. */
async function bundleLazy({ bundle, transform, common, lazyDirectory }, lazy, shared, exported) {
  const sharedModules = {
    name: "shared-modules",
    setup(plugin) {
      plugin.onResolve({ filter: OURS }, ({ path, resolveDir }) => {
        const index = shared.indexOf(resolve(resolveDir, path));
        return index === -1 ? undefined : { path: `shared${index}`, namespace: "shared" };
      });
      plugin.onResolve({ filter: /main\.cjs$/, namespace: "shared" }, ({ path }) => ({ path, external: true }));
      plugin.onLoad({ filter: /.*/, namespace: "shared" }, ({ path }) => ({
        contents: `import { ${path} } from "../main.cjs";\nexport const { ${exported.get(path).join(", ")} } = ${path};`,
        loader: "js",
      }));
    },
  };
  const { outputFiles } = await bundle({
    ...common,
    external: STAYS_OUTSIDE,
    format: "esm",
    splitting: true,
    outdir: join(target, lazyDirectory),
    outExtension: { ".js": ".cjs" },
    chunkNames: "shared-[hash]",
    entryPoints: [...lazy].map((file) => ({ in: file, out: lazyName(file) })),
    plugins: [sharedModules],
  });
  return Promise.all(
    outputFiles.map(async ({ path, text }) => {
      const { code } = await transform(text, { ...TO_COMMON_JS, minifyWhitespace: true });
      return [`${lazyDirectory}/${basename(path)}`, code];
    }),
  );
}

/** Written beside and renamed, so that whoever starts Hardline meanwhile finds the old bundle or the new one. */
function install(outputs, id) {
  const fresh = `${target}.${process.pid}.new`;
  const stale = `${target}.${process.pid}.old`;
  for (const [name, text] of outputs) {
    const path = join(fresh, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  try {
    if (existsSync(target)) renameSync(target, stale);
    renameSync(fresh, target);
  } catch (error) {
    // Somebody else was building the same thing and came first.
    if (!isBuilt(id)) throw error;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(stale, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const id = buildId();
  try {
    if (process.argv.includes("--force") || !isBuilt(id)) await build(id);
  } catch (error) {
    // The bundler has shown its own errors, with the lines that they are in.
    if (!Array.isArray(error.errors)) throw error;
    process.exitCode = 1;
  }
}
