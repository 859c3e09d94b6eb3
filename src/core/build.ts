/**
 * Which Hardline this is. The build replaces both names by constants; a run straight from the sources has neither, and
 * then nothing derived from the code may be cached, since the code can change between two runs.
 */
declare const HARDLINE_VERSION: string | undefined;
declare const HARDLINE_BUILD_ID: string | undefined;

/** The version of the package, `0.0.0-source` when it runs straight from the sources. */
export const VERSION: string = typeof HARDLINE_VERSION === "string" ? HARDLINE_VERSION : "0.0.0-source";

/**
 * 32 hex digits of a SHA-256 over the sources, the lockfile and the bundler's own script: part of the key of everything
 * that is cached (parsed policies, findings). `undefined` from the sources: do not cache.
 */
export const BUILD_ID: string | undefined = typeof HARDLINE_BUILD_ID === "string" ? HARDLINE_BUILD_ID : undefined;
