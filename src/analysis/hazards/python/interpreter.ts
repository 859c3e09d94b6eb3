/** What can be known of a Python interpreter without starting it: its version, its suffixes, and where its modules are. */
import { basename, dirname, join } from "node:path";
import type { Inquiry } from "../inquiry.ts";

export interface Interpreter {
  /** As in `3.11`; absent where it cannot be told. */
  readonly version?: string;
  /** Suffixes of extension modules in the order in which they are tried; complete only where {@link known}. */
  readonly extensions: readonly string[];
  readonly known: boolean;
  /** Directories searched after the script's own and PYTHONPATH. */
  readonly library: readonly string[];
  readonly sitePackages: readonly string[];
  /** The virtual environment whose `pyvenv.cfg` governs, by its directory. */
  readonly venv?: string;
}

/**
 * Modules that are in memory before the program's first import, or compiled into every CPython from 3.8 on: no file can
 * come before them. Found by planting a file of each name beside a script, over the versions 3.10 to 3.13.
 */
const ALWAYS_BUILT_IN: ReadonlySet<string> = new Set(
  (
    "_abc _ast _codecs _collections _collections_abc _frozen_importlib _frozen_importlib_external _functools _imp _io " +
    "_locale _operator _signal _sitebuiltins _sre _stat _string _symtable _thread _tracemalloc _warnings _weakref abc " +
    "atexit builtins codecs encodings errno faulthandler gc genericpath io itertools marshal os posix posixpath pwd site " +
    "stat sys time zipimport __main__"
  ).split(" "),
);

/** Extension modules that some builds compile in. One is built in where the library has no file for it. */
const SOMETIMES_BUILT_IN: ReadonlySet<string> = new Set(
  (
    "_bisect _blake2 _csv _datetime _elementtree _heapq _md5 _opcode _pickle _posixsubprocess _random _sha1 _sha2 _sha256 " +
    "_sha3 _sha512 _socket _statistics _struct _suggestions _sysconfig _tokenize _typing _json _ssl _hashlib _bz2 _lzma " +
    "array binascii cmath fcntl grp math pyexpat select spwd syslog unicodedata zlib resource termios mmap readline"
  ).split(" "),
);

export function isBuiltIn(inquiry: Inquiry, interpreter: Interpreter, name: string): boolean {
  if (ALWAYS_BUILT_IN.has(name)) return true;
  if (!(interpreter.known && SOMETIMES_BUILT_IN.has(name))) return false;
  return !interpreter.library.some((directory) =>
    [...interpreter.extensions, ".py"].some((suffix) => inquiry.world.kind(join(directory, name + suffix)) === "file"),
  );
}

/** Looks at the files around an interpreter, given by its path inside the sandbox. */
export function inspectInterpreter(inquiry: Inquiry, program: string): Interpreter {
  const { world } = inquiry;
  const venv = [dirname(program), dirname(dirname(program))].find(
    (at) => world.kind(join(at, "pyvenv.cfg")) === "file",
  );
  const real = world.follow(program).path;
  const prefix = dirname(dirname(real));
  const version = versionOf(inquiry, real, prefix);
  if (version === undefined) {
    return { extensions: [".abi3.so", ".so"], known: false, library: [], sitePackages: [], ...(venv && { venv }) };
  }
  const standard = join(prefix, "lib", `python${version}`);
  const dynamic = join(standard, "lib-dynload");
  const own = join(venv ?? prefix, "lib", `python${version}`, "site-packages");
  const tagged = taggedSuffix(world.names(dynamic));
  return {
    version,
    // Longest first, as `_imp.extension_suffixes()` has them.
    extensions: [...(tagged === undefined ? [] : [tagged]), ".abi3.so", ".so"],
    known: tagged !== undefined,
    library: [join(prefix, "lib", `python${version.replace(".", "")}.zip`), standard, dynamic],
    sitePackages: venv === undefined ? [own, ...distributionPackages(version)] : [own],
    ...(venv && { venv }),
  };
}

/** Where Debian keeps what its own packages and its administrators install. */
function distributionPackages(version: string): string[] {
  return [`/usr/local/lib/python${version}/dist-packages`, "/usr/lib/python3/dist-packages"];
}

function versionOf(inquiry: Inquiry, real: string, prefix: string): string | undefined {
  const name = basename(real);
  const written = name.startsWith("python") ? name.slice("python".length) : "";
  if (written.includes(".") && inquiry.world.kind(join(prefix, "lib", `python${written}`)) === "directory")
    return written;
  const found = inquiry.world.names(join(prefix, "lib")).filter((each) => each.startsWith("python3."));
  // Several libraries and no version in the name: which is used cannot be told.
  return found.length === 1 ? found[0]?.slice("python".length) : undefined;
}

/** `.cpython-311-x86_64-linux-gnu.so`, from the names of the library's own extension modules. */
function taggedSuffix(names: readonly string[]): string | undefined {
  for (const name of names) {
    const start = name.indexOf(".cpython-");
    if (start !== -1 && name.endsWith(".so")) return name.slice(start);
  }
  return undefined;
}
