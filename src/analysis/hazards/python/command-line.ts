/** The command line of CPython: what it runs, and how it starts its search for modules. */

export interface PythonCommand {
  readonly runs:
    | { readonly kind: "script"; readonly path: string }
    | { readonly kind: "module"; readonly name: string }
    | { readonly kind: "code"; readonly text: string }
    | { readonly kind: "stdin" };
  /** Neither the script's directory nor the current one is searched (`-P`, `-I`, `PYTHONSAFEPATH`). */
  readonly safePath: boolean;
  /** `PYTHON…` variables are ignored (`-E`, `-I`). */
  readonly ignoresEnvironment: boolean;
}

type Runs = PythonCommand["runs"];

export function parsePythonCommand(argv: readonly string[], env: Readonly<Record<string, string>>): PythonCommand {
  const flags = new Set<string>();
  const runs = readArguments(argv.slice(1), flags);
  const isolated = flags.has("I");
  const ignoresEnvironment = isolated || flags.has("E");
  const safePath = isolated || flags.has("P") || (!ignoresEnvironment && (env["PYTHONSAFEPATH"] ?? "") !== "");
  return { runs, safePath, ignoresEnvironment };
}

function readArguments(words: string[], flags: Set<string>): Runs {
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--") {
      const [path = "-"] = words;
      return path === "-" ? { kind: "stdin" } : { kind: "script", path };
    }
    if (word === "-") return { kind: "stdin" };
    if (!word.startsWith("-")) return { kind: "script", path: word };
    if (word === "--check-hash-based-pycs") words.shift();
    if (word.startsWith("--")) continue;
    const runs = readLetters(word.slice(1), words, flags);
    if (runs !== undefined) return runs;
  }
  return { kind: "stdin" };
}

/** Options of one letter, several in a word; the last may take the rest of the word, or the next one, as its value. */
function readLetters(letters: string, words: string[], flags: Set<string>): Runs | undefined {
  for (const [index, letter] of [...letters].entries()) {
    if (!"cmXW".includes(letter)) {
      flags.add(letter);
      continue;
    }
    const value = letters.slice(index + 1) || (words.shift() ?? "");
    if (letter === "c") return { kind: "code", text: value };
    return letter === "m" ? { kind: "module", name: value } : undefined;
  }
  return undefined;
}
