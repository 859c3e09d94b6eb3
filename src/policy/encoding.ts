import { Report, SourceText } from "./problems.ts";
import { MAX_POLICY_BYTES } from "./read.ts";
import type { PolicyProblem } from "./types.ts";

export type Decoded =
  | { readonly kind: "ok"; readonly text: string }
  | { readonly kind: "invalid"; readonly problems: readonly PolicyProblem[] };

/** The text of a policy's bytes, which have to be UTF-8 without a byte order mark. */
export function decodePolicy(bytes: Uint8Array): Decoded {
  if (bytes.length > MAX_POLICY_BYTES) {
    return atTop(
      "file-too-large",
      `the file is larger than ${MAX_POLICY_BYTES} bytes`,
      "a policy is written by hand; is this one?",
    );
  }
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return atTop("file-byte-order-mark", "the file begins with a byte order mark", "save it as UTF-8 without one");
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return atTop("file-byte-order-mark", "the file is UTF-16", "save it as UTF-8 without a byte order mark");
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return notUtf8(bytes);
  }
  return { kind: "ok", text };
}

/**
 * Reports what would let a reviewer and a parser read different things in one text: control characters, and those that change
 * the direction of what follows on a screen.
 */
export function reportConfusingCharacters(source: SourceText, report: Report): void {
  for (const match of source.text.matchAll(CONFUSING)) {
    const [character] = match;
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    const turns = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(character);
    const message = `U+${code} ${turns ? "changes the direction of text" : "is a character that cannot be seen"}`;
    report.addAtOffset(
      "file-control-character",
      match.index,
      message,
      "remove it, or write it as an escape in double quotes",
    );
  }
}

/** C0 and C1 controls but tab and line feed; a carriage return that ends no line; bidirectional controls; other line separators. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONFUSING = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\r(?!\n)/g;

function notUtf8(bytes: Uint8Array): Decoded {
  const lenient = new TextDecoder("utf-8").decode(bytes);
  const report = new Report(new SourceText(lenient));
  const at = Math.max(0, lenient.indexOf("\ufffd"));
  report.addAtOffset("file-not-utf8", at, "this is not UTF-8", "save the file as UTF-8");
  return { kind: "invalid", problems: report.sorted() };
}

function atTop(id: "file-too-large" | "file-byte-order-mark", message: string, hint: string): Decoded {
  const report = new Report(new SourceText(""));
  report.add(id, { line: 1, column: 1 }, message, hint);
  return { kind: "invalid", problems: report.sorted() };
}
