/** Colours, and when there are any. */
import type { Io, Sink } from "./io.ts";

type Paint = (text: string) => string;

export interface Palette {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly yellow: Paint;
  readonly green: Paint;
  readonly cyan: Paint;
}

/** SGR sequences (ECMA-48), or nothing at all. */
export function palette(color: boolean): Palette {
  const paint =
    (start: number, end: number): Paint =>
    (text) =>
      color ? `\u001b[${start}m${text}\u001b[${end}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    yellow: paint(33, 39),
    green: paint(32, 39),
    cyan: paint(36, 39),
  };
}

/**
 * Colours go to a terminal only, and not to one that cannot show them (`TERM=dumb`), nor to a person who declined them:
 * `--no-color`, or NO_COLOR not empty (no-color.org).
 */
export function wantsColor(io: Io, sink: Sink, options: { readonly color?: boolean }): boolean {
  const { NO_COLOR: declined = "", TERM: terminal } = io.environment;
  return options.color !== false && declined === "" && terminal !== "dumb" && sink.isTerminal;
}
