import { dirname } from "node:path";
import type { Inquiry } from "../inquiry.ts";

/** What resolution takes from a package.json. */
export interface Manifest {
  readonly directory: string;
  readonly name?: string;
  readonly main?: string;
  readonly type?: string;
  readonly exports?: unknown;
  readonly imports?: unknown;
  readonly scripts: Readonly<Record<string, string>>;
}

/** Reads a package.json; `undefined` where there is none, or none that Node.js would accept. */
export function readManifest(inquiry: Inquiry, path: string): Manifest | undefined {
  if (inquiry.world.kind(path) !== "file") return undefined;
  const at = { file: inquiry.world.hostPath(path), line: 1, column: 1 };
  const text = inquiry.sources.read(path, at);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    inquiry.report.add("unparsable", {
      at,
      message: `${path} is not JSON: ${reason}`,
    });
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const text_ = (key: string): string | undefined => (typeof fields[key] === "string" ? fields[key] : undefined);
  const { name, main, type } = { name: text_("name"), main: text_("main"), type: text_("type") };
  return {
    directory: dirname(path),
    ...(name !== undefined && { name }),
    ...(main !== undefined && { main }),
    ...(type !== undefined && { type }),
    ...(fields["exports"] !== undefined && { exports: fields["exports"] }),
    ...(fields["imports"] !== undefined && { imports: fields["imports"] }),
    scripts: stringsOf(fields["scripts"]),
  };
}

/**
 * Every target that `exports` or `imports` may give a key, under whatever conditions (Node.js documentation, "Packages").
 * Patterns with `*` are filled in.
 */
export function targetsOf(map: unknown, key: string): string[] {
  if (typeof map === "string" || Array.isArray(map)) return key === "." ? leaves(map) : [];
  if (typeof map !== "object" || map === null) return [];
  const entries = Object.entries(map);
  const hasSubpaths = entries.some(([name]) => name.startsWith(".") || name.startsWith("#"));
  if (!hasSubpaths) return key === "." ? leaves(map) : [];
  const direct = entries.find(([name]) => name === key);
  if (direct !== undefined) return leaves(direct[1]);
  // The longest prefix before the star wins.
  const patterns = entries.filter(([name]) => name.includes("*")).sort(([a], [b]) => b.indexOf("*") - a.indexOf("*"));
  for (const [pattern, value] of patterns) {
    const [before = "", after = ""] = pattern.split("*");
    if (key.length < before.length + after.length || !key.startsWith(before) || !key.endsWith(after)) continue;
    const filled = key.slice(before.length, key.length - after.length);
    return leaves(value).map((target) => target.replaceAll("*", filled));
  }
  return [];
}

function leaves(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  // Types are for editors, nothing of them is run.
  return Object.entries(value).flatMap(([condition, inner]) => (condition === "types" ? [] : leaves(inner)));
}

function stringsOf(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
