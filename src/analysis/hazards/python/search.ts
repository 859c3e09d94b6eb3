/** Python's search for a module, in the order of `importlib`'s FileFinder, and what could come before what it finds. */
import { basename, dirname, join } from "node:path";
import type { Inquiry } from "../inquiry.ts";
import type { Interpreter } from "./interpreter.ts";

/** A name that the agent could make, and that would be taken before what is there now. */
export interface Rival {
  readonly path: string;
  /** A harmless thing to put there: what the search passes over. */
  readonly standIn: "file" | "directory";
  /** It stands in the directory of the module that was found, not in one that is searched earlier. */
  readonly beside: boolean;
}

export interface Found {
  readonly kind: "module" | "package" | "namespace" | "missing";
  /** The file that would run; absent for namespaces and where nothing was found. */
  readonly file?: string;
  /** Where submodules are looked for. */
  readonly directories: readonly string[];
  readonly rivals: readonly Rival[];
}

/** Searches one name (without dots) in the given directories. */
export function searchModule(
  inquiry: Inquiry,
  interpreter: Interpreter,
  directories: readonly string[],
  name: string,
): Found {
  const { world } = inquiry;
  const rivals: Rival[] = [];
  const namespace: string[] = [];
  const suffixes = [...interpreter.extensions, ".py", ".pyc"];
  for (const directory of directories) {
    const open: Omit<Rival, "beside">[] = [];
    const found = (file: string, kind: "module" | "package"): Found => ({
      kind,
      file,
      directories: kind === "package" ? [dirname(file)] : [],
      rivals: [...rivals, ...open.map((each) => ({ ...each, beside: true }))],
    });

    const asPackage = join(directory, name);
    if (world.kind(asPackage) === "directory") {
      for (const suffix of suffixes) {
        const file = join(asPackage, `__init__${suffix}`);
        if (world.kind(file) === "file") return found(file, "package");
        if (world.forgeable(file, "file")) open.push({ path: file, standIn: "directory" });
      }
      namespace.push(asPackage);
    } else if (world.forgeable(asPackage, "directory")) {
      // A file of this name is no package, and no module either: it has no suffix.
      open.push({ path: asPackage, standIn: "file" });
    }
    for (const suffix of suffixes) {
      const file = join(directory, name + suffix);
      if (world.kind(file) === "file") return found(file, "module");
      if (world.forgeable(file, "file")) open.push({ path: file, standIn: "directory" });
    }
    rivals.push(...open.map((each) => ({ ...each, beside: false })));
  }
  if (namespace.length > 0) return { kind: "namespace", directories: namespace, rivals };
  return { kind: "missing", directories: [], rivals };
}

/**
 * Where the agent could forge the bytecode of a sealed source file, or `undefined` where it cannot. Python takes it when its
 * header carries the source's time and size, which everybody can read.
 */
export function forgeableBytecode(inquiry: Inquiry, source: string): string | undefined {
  if (!source.endsWith(".py")) return undefined;
  const { world } = inquiry;
  const cache = join(dirname(source), "__pycache__");
  const any = join(cache, `${basename(source, ".py")}.cpython-0.pyc`);
  const kind = world.kind(cache);
  if (kind === "file") return world.forgeable(cache, "directory") ? cache : undefined;
  return world.forgeable(kind === "directory" ? any : cache, kind === "directory" ? "file" : "directory")
    ? cache
    : undefined;
}
