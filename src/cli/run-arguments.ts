/** The arguments of `run`, read without loading the whole command line: the path to the agent's first instruction. */

export interface RunArguments {
  readonly policy?: string;
  readonly state?: string;
  readonly agent?: string;
  /** What stands after `--`, unchanged; absent: the agent's own `run`. */
  readonly command?: readonly string[];
}

type Valued = "policy" | "state" | "agent";

function isValued(name: string): name is Valued {
  return name === "policy" || name === "state" || name === "agent";
}

/**
 * Reads what stands after the word `run`. Exact and small on purpose: long options with a value, each at most once, then
 * perhaps `--` and a command. Anything else (help, colours, JSON, a slip of the pen) gives `undefined`, and the full
 * command line reads it instead and complains about it; a test holds the two to the same answers.
 */
export function parseRunArguments(words: readonly string[]): RunArguments | undefined {
  const values: { [name in Valued]?: string } = {};
  let rest = words;
  while (rest.length > 0) {
    const [word = "", next] = rest;
    if (word === "--") {
      return rest.length > 1 ? { ...values, command: rest.slice(1) } : undefined;
    }
    if (!word.startsWith("--")) return undefined;
    const equals = word.indexOf("=");
    const name = equals === -1 ? word.slice(2) : word.slice(2, equals);
    const value = equals === -1 ? next : word.slice(equals + 1);
    // A value that looks like an option is more likely a forgotten value.
    if (!isValued(name) || values[name] !== undefined || value === undefined || value === "" || value.startsWith("-")) {
      return undefined;
    }
    values[name] = value;
    rest = rest.slice(equals === -1 ? 2 : 1);
  }
  return values;
}
