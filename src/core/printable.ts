/**
 * Text from a file, a name or a process, made safe to show to a person: control characters (a terminal obeys them), lone
 * surrogates, and the invisible characters that reorder or hide text become `\x1b`-like escapes. An agent that chooses a
 * file's name must not choose what the operator's terminal does or seems to say. Line breaks are escaped too; tabs become a
 * blank.
 */
export function printable(text: string): string {
  return text.replaceAll("\t", " ").replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** Control (Cc), format (Cf: bidirectional overrides, zero-width), surrogates (Cs), line and paragraph separators. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
