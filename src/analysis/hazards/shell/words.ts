/**
 * The simple commands of a shell script. The grammar's own parser says whether a script is one; its tree does not show the
 * words, so they are read here by the shell's quoting rules (POSIX.1-2024, Shell Command Language, 2.2 and 2.3).
 */

export interface ShellWord {
  /** The text after quoting, or `undefined` where an expansion decides it. */
  readonly text: string | undefined;
  readonly offset: number;
}

export interface ShellCommand {
  readonly words: readonly ShellWord[];
  /** `NAME=value` before the first word. */
  readonly assignments: Readonly<Record<string, string | undefined>>;
  /** Files that are read by `<`. */
  readonly inputs: readonly ShellWord[];
}

const RESERVED: ReadonlySet<string> = new Set(
  "if then else elif fi while until do done for in case esac { } ! time function select".split(" "),
);

/** After these comes a list of words, not a command. */
const LISTING: ReadonlySet<string> = new Set(["for", "case", "select", "function"]);

export interface ShellText {
  /** Every simple command, also those in compounds, functions, pipelines and substitutions, in the order of the text. */
  readonly commands: readonly ShellCommand[];
  /** Names of the functions that the script defines; a command of the name is not a program. */
  readonly functions: ReadonlySet<string>;
}

export function readShell(text: string): ShellText {
  return new Scanner(text).run();
}

const MAX_DEPTH = 100;

class Scanner {
  readonly #text: string;
  readonly #found: ShellCommand[] = [];
  readonly #hereDocuments: { readonly end: string; readonly tabs: boolean }[] = [];
  readonly #functions = new Set<string>();
  /** What follows up to the end of the command is not one: the list of a loop, the word of a case, a function's name. */
  #listing: "" | "list" | "function" = "";
  #at = 0;
  #depth = 0;
  #words: ShellWord[] = [];
  #assignments: Record<string, string | undefined> = {};
  #inputs: ShellWord[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  run(): ShellText {
    while (this.#at < this.#text.length) this.#step();
    this.#end();
    return { commands: this.#found, functions: this.#functions };
  }

  #step(): void {
    const character = this.#text.charAt(this.#at);
    if (character === " " || character === "\t") this.#at++;
    else if (character === "\\" && this.#text.charAt(this.#at + 1) === "\n") this.#at += 2;
    else if (character === "\n") {
      this.#at++;
      this.#end();
      this.#skipHereDocuments();
    } else if (character === "#") this.#at = endOfLine(this.#text, this.#at);
    else if (character === "(" && this.#defines()) this.#define();
    else if (";&|()".includes(character)) {
      this.#at++;
      // `>&`, `&>` and `<&` are redirections, and were taken as such.
      this.#end();
    } else if (character === "<" || character === ">") this.#redirect();
    else this.#take(this.#word());
  }

  #take(word: ShellWord): void {
    const next = this.#text.charAt(this.#at);
    // `2>file`: a number that stands against a redirection belongs to it.
    if ((next === "<" || next === ">") && word.text !== undefined && isNumber(word.text)) return;
    if (this.#words.length === 0) {
      const name = assignedName(this.#text.slice(word.offset, this.#at));
      if (name !== undefined) {
        this.#assignments[name] = word.text === undefined ? undefined : word.text.slice(name.length + 1);
        return;
      }
      if (word.text !== undefined && RESERVED.has(word.text)) {
        if (LISTING.has(word.text)) this.#listing = word.text === "function" ? "function" : "list";
        return;
      }
    }
    this.#words.push(word);
    if (this.#listing === "function") this.#define();
  }

  /** Whether one word and `()` stand here. */
  #defines(): boolean {
    let next = this.#at + 1;
    while (" \t".includes(this.#text.charAt(next)) && next < this.#text.length) next++;
    return this.#words.length === 1 && this.#text.charAt(next) === ")";
  }

  #define(): void {
    const name = this.#words[0]?.text;
    if (name !== undefined) this.#functions.add(name);
    if (this.#text.charAt(this.#at) === "(") this.#at = this.#text.indexOf(")", this.#at) + 1;
    this.#words = [];
    this.#listing = "";
  }

  #end(): void {
    const words = this.#listing === "" ? this.#words : [];
    this.#listing = "";
    if (words.length > 0 || Object.keys(this.#assignments).length > 0 || this.#inputs.length > 0) {
      this.#found.push({ words, assignments: this.#assignments, inputs: this.#inputs });
    }
    this.#words = [];
    this.#assignments = {};
    this.#inputs = [];
  }

  #redirect(): void {
    const start = this.#at;
    const input = this.#text.charAt(this.#at) === "<";
    while ("<>&|".includes(this.#text.charAt(this.#at)) && this.#at < this.#text.length) this.#at++;
    const operator = this.#text.slice(start, this.#at);
    if (this.#text.charAt(this.#at) === "(" && operator.length === 1) {
      this.#at++; // process substitution: what is in it is a command of its own
      this.#nested();
      return;
    }
    const tabs = operator === "<<" && this.#text.charAt(this.#at) === "-";
    if (tabs) this.#at++;
    while (" \t".includes(this.#text.charAt(this.#at)) && this.#at < this.#text.length) this.#at++;
    const word = this.#word();
    if (operator === "<<") this.#hereDocuments.push({ end: word.text ?? "", tabs });
    else if (input && (operator === "<" || operator === "<>")) this.#inputs.push(word);
  }

  #skipHereDocuments(): void {
    for (const { end, tabs } of this.#hereDocuments.splice(0)) {
      while (this.#at < this.#text.length) {
        const stop = endOfLine(this.#text, this.#at);
        let line = this.#text.slice(this.#at, stop);
        this.#at = stop + 1;
        while (tabs && line.startsWith("\t")) line = line.slice(1);
        if (line === end) break;
      }
    }
  }

  /** One word, with its quotes taken off. Substitutions in it are scanned for commands of their own. */
  #word(): ShellWord {
    const offset = this.#at;
    let text: string | undefined = "";
    const add = (more: string | undefined): void => {
      text = text === undefined || more === undefined ? undefined : text + more;
    };
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      if (" \t\n;&|()<>".includes(character)) break;
      if (character === "'") {
        const stop = this.#text.indexOf("'", this.#at + 1);
        add(this.#text.slice(this.#at + 1, stop === -1 ? undefined : stop));
        this.#at = stop === -1 ? this.#text.length : stop + 1;
      } else if (character === '"') add(this.#doubleQuoted());
      else if (character === "\\") {
        add(this.#text.charAt(this.#at + 1));
        this.#at += 2;
      } else if (character === "$" || character === "`") {
        this.#expansion();
        add(undefined);
      } else {
        // What a glob or a tilde comes to is not known beforehand.
        add("*?[~".includes(character) && !(character === "[" && text === "") ? undefined : character);
        this.#at++;
      }
    }
    // Never stand still, whatever the text.
    if (this.#at === offset) this.#at++;
    return { text, offset };
  }

  #doubleQuoted(): string | undefined {
    let text: string | undefined = "";
    this.#at++;
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      if (character === '"') break;
      if (character === "$" || character === "`") {
        this.#expansion();
        text = undefined;
        continue;
      }
      const escaped = character === "\\" && '$`"\\\n'.includes(this.#text.charAt(this.#at + 1));
      if (text !== undefined) text += escaped ? this.#text.charAt(this.#at + 1) : character;
      this.#at += escaped ? 2 : 1;
    }
    this.#at++;
    return text;
  }

  #expansion(): void {
    if (this.#text.charAt(this.#at) === "`") {
      const stop = this.#text.indexOf("`", this.#at + 1);
      const inner = this.#text.slice(this.#at + 1, stop === -1 ? undefined : stop);
      this.#found.push(...shift(readShell(inner).commands, this.#at + 1));
      this.#at = stop === -1 ? this.#text.length : stop + 1;
      return;
    }
    this.#at++;
    const character = this.#text.charAt(this.#at);
    if (character === "(") {
      this.#at++;
      this.#nested();
    } else if (character === "{") {
      const stop = this.#text.indexOf("}", this.#at);
      this.#at = stop === -1 ? this.#text.length : stop + 1;
    } else if (character === "'") {
      const stop = this.#text.indexOf("'", this.#at + 1);
      this.#at = stop === -1 ? this.#text.length : stop + 1;
    } else if (isNameCharacter(character)) {
      while (isNameCharacter(this.#text.charAt(this.#at))) this.#at++;
    } else this.#at++;
  }

  /** The inside of `$(…)` or `<(…)`: the position is after the opening parenthesis, and goes behind the closing one. */
  #nested(): void {
    const outer = { words: this.#words, assignments: this.#assignments, inputs: this.#inputs };
    this.#words = [];
    this.#assignments = {};
    this.#inputs = [];
    // Nobody writes scripts that deep; a text that does is not to exhaust the stack.
    if (++this.#depth > MAX_DEPTH) this.#at = this.#text.length;
    let depth = 1;
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      if (character === "(") depth++;
      if (character === ")" && --depth === 0) break;
      this.#step();
    }
    this.#end();
    this.#at++;
    this.#depth--;
    this.#words = outer.words;
    this.#assignments = outer.assignments;
    this.#inputs = outer.inputs;
  }
}

function shift(commands: readonly ShellCommand[], by: number): ShellCommand[] {
  const move = (word: ShellWord): ShellWord => ({ ...word, offset: word.offset + by });
  return commands.map((each) => ({ ...each, words: each.words.map(move), inputs: each.inputs.map(move) }));
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

function isNameCharacter(character: string): boolean {
  return (
    (character >= "a" && character <= "z") ||
    (character >= "A" && character <= "Z") ||
    (character >= "0" && character <= "9") ||
    character === "_"
  );
}

function isNumber(text: string): boolean {
  return text !== "" && [...text].every((character) => character >= "0" && character <= "9");
}

/** The name in `NAME=value`, or `undefined`. */
function assignedName(written: string): string | undefined {
  const equals = written.indexOf("=");
  const name = written.slice(0, Math.max(0, equals));
  if (name === "" || isNumber(name.charAt(0))) return undefined;
  return [...name].every(isNameCharacter) ? name : undefined;
}
