import { posix } from "node:path";
import { accepted, type Parsed, refused } from "../core/parsed.ts";

const MAX_PATH = 4095;

/** A path inside a root or a workspace: relative, `/`-separated, without `.`, `..` or empty segments. */
export interface InnerPath {
  readonly path: string;
  /** It was written with a slash at its end. */
  readonly directory: boolean;
}

/**
 * Reads a path that has to stay inside a directory. Whoever writes the policy controls it; what is refused here is what
 * would make it mean another place than it says: `..`, absolute paths, patterns and variables that nothing expands.
 * Symbolic links are not looked at here but where the path is opened.
 */
export function parseInnerPath(text: string): Parsed<InnerPath> {
  const plain = plainPath(text);
  if (plain !== undefined) return plain;
  if (text.startsWith("/")) return refused("is absolute", "write it relative to the directory it lies in");
  const segments = text.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (segments.includes("..")) return refused("leaves the directory it has to lie in", 'write it without ".."');
  if (segments.length === 0) return refused("is the directory itself", "name something inside it");
  return accepted({ path: segments.join("/"), directory: /\/\.?$/.test(text) });
}

/** Reads a path of the host, absolute or relative to `dir`. The result is absolute and normalised. */
export function parseHostPath(text: string, dir: string): Parsed<string> {
  const plain = plainPath(text);
  if (plain !== undefined) return plain;
  const absolute = posix.resolve(dir, text);
  return absolute === "/" ? refused("is the whole file system", "name a directory") : accepted(absolute);
}

function plainPath(text: string): Parsed<never> | undefined {
  if (text === "") return refused("is empty");
  if (text.length > MAX_PATH) return refused(`is longer than ${MAX_PATH} characters`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\0-\x1f\x7f]/.test(text)) return refused("has a control character");
  if (text.startsWith("~")) return refused('begins with "~", which is not expanded', "write the whole path");
  if (/^\$[A-Za-z_{]/.test(text))
    return refused("begins with a variable, which is not expanded", "write the whole path");
  if (/[*?]/.test(text))
    return refused("is a pattern; patterns are not expanded here", "name the directory that holds them");
  return undefined;
}
