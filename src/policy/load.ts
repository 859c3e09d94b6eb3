import { Compilation } from "./compilation.ts";
import { compile } from "./compile.ts";
import { digestOf } from "./digest.ts";
import { readDocument } from "./document.ts";
import { decodePolicy } from "./encoding.ts";
import { Report, SourceText } from "./problems.ts";
import { readPolicyFile } from "./read.ts";
import { PolicySchema } from "./schema.ts";
import { reportSchemaIssues } from "./schema-problems.ts";
import type { LoadResult } from "./types.ts";

/**
 * Loads a policy file: reads it once, and answers with the policy or with every problem that it has. Whether the directories
 * that it names exist is not asked here. Never throws for anything that the file system or the file's writer can cause.
 *
 * @param path of the policy file; relative to the working directory.
 */
export function loadPolicy(path: string): LoadResult {
  const read = readPolicyFile(path);
  if (read.kind !== "read") return read;
  const decoded = decodePolicy(read.bytes);
  if (decoded.kind === "invalid") return { kind: "invalid", file: read.file, problems: decoded.problems };
  return parsePolicy(decoded.text, read.file, read.dir);
}

/**
 * The pure part of loading.
 *
 * @param text of the policy.
 * @param file absolute path that it was read from; messages name it, nothing opens it.
 * @param dir absolute, symlink-free directory that its relative paths start from.
 */
export function parsePolicy(text: string, file: string, dir: string): LoadResult {
  const source = new SourceText(text);
  const report = new Report(source);
  const document = readDocument(source, report);
  if (document === undefined) return { kind: "invalid", file, problems: report.sorted() };
  const checked = PolicySchema.safeParse(document.value);
  if (!checked.success) reportSchemaIssues(PolicySchema, checked.error.issues, document, report);
  const warnings = new Report(source);
  const compilation = new Compilation(document, report, warnings, dir);
  const meaning = compile(compilation);
  if (report.problems.length > 0) return { kind: "invalid", file, problems: report.sorted() };
  const digest = digestOf(meaning, dir, compilation.writtenRelative);
  const policy = { ...meaning, file, dir, digest, positions: document.positions() };
  return { kind: "ok", policy, warnings: warnings.sorted() };
}
