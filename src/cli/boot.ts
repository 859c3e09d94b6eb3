/**
 * The first file that runs: turns V8's compile cache on, then loads the rest. `--version` is answered before that. It is a bundle of its own and tiny, because
 * the cache cannot hold what was compiled before it was on.
 */
import { lstatSync, mkdirSync, writeSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { BUILD_ID, VERSION } from "../core/build.ts";
import { defaultStateDirectory } from "./locations.ts";

/**
 * True for a directory that only this user may write. Who can write a compile cache decides what Hardline executes, so the
 * cache must never lie where anybody else, or an agent, can put a file.
 */
function isOnlyOurs(directory: string, uid: number): boolean {
  const status = lstatSync(directory, { throwIfNoEntry: false });
  return status?.isDirectory() === true && status.uid === uid && (status.mode & 0o022) === 0;
}

/**
 * Beside the bundles where they are ours (who may write the one may write the other, so nothing is added to what must be
 * trusted), else in the state directory. Without a safe place there is no cache: slower, and nothing worse.
 */
function compileCacheDirectory(): string | undefined {
  const uid = process.geteuid?.();
  if (uid === undefined) return undefined;
  if (isOnlyOurs(import.meta.dirname, uid)) return join(import.meta.dirname, "compile-cache");
  const state = defaultStateDirectory(process.env, uid);
  if (state === undefined) return undefined;
  const directory = join(state, "compile-cache");
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return isOnlyOurs(directory, uid) ? directory : undefined;
  } catch {
    return undefined;
  }
}

function boot(words: readonly string[]): void {
  const [word, ...others] = words;
  if (others.length === 0 && (word === "--version" || word === "-V")) {
    writeSync(1, `${VERSION}\n`);
    return;
  }
  // By default this signal opens Node.js's debugger, to whoever reaches the port. (A flag that turns that off also keeps the
  // signal from ever being heard, and it is one that agents get passed on.)
  process.on("SIGUSR1", () => undefined);
  const directory = BUILD_ID === undefined ? undefined : compileCacheDirectory();
  if (directory !== undefined) enableCompileCache(directory);
  // Not awaited: the bundle is CommonJS, which starts a few milliseconds sooner and knows no top-level await.
  void import("./main.ts").then(async ({ main }) => {
    // Standard output and error are synchronous on Linux, so nothing is cut off; taking down the interpreter bit by bit
    // would only make the caller wait.
    process.exit(await main(words));
  });
}

boot(process.argv.slice(2));
