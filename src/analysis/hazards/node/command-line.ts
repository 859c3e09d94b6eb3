/** The command line of Node.js: what it runs, and what it loads before. */

export interface NodeCommand {
  readonly script?: string;
  readonly code?: string;
  /** `--run NAME`: a script of package.json. */
  readonly task?: string;
  /** `--require`, `--import` and loaders, in order. */
  readonly preloads: readonly { readonly specifier: string; readonly by: "require" | "import" }[];
  readonly envFiles: readonly string[];
}

const REQUIRE: ReadonlySet<string> = new Set(["-r", "--require"]);
const IMPORT: ReadonlySet<string> = new Set(["--import", "--loader", "--experimental-loader"]);
const ENV_FILE: ReadonlySet<string> = new Set(["--env-file", "--env-file-if-exists"]);
const CODE: ReadonlySet<string> = new Set(["-e", "--eval", "-p", "--print", "-pe"]);
/** Other options whose value may be the next word. */
const VALUED: ReadonlySet<string> = new Set([
  ..."-C --conditions --input-type --title --icu-data-dir --openssl-config --diagnostic-dir --cpu-prof-dir".split(" "),
  ..."--heap-prof-dir --report-dir --report-directory --test-name-pattern --test-reporter --watch-path".split(" "),
  ..."--stack-trace-limit --disable-warning --secure-heap --trace-event-categories --unhandled-rejections".split(" "),
]);

export function parseNodeCommand(argv: readonly string[], env: Readonly<Record<string, string>>): NodeCommand {
  const reader = new Reader();
  reader.take((env["NODE_OPTIONS"] ?? "").split(" ").filter((word) => word !== ""));
  const runs = reader.take(argv.slice(1));
  return { ...runs, preloads: reader.preloads, envFiles: reader.envFiles };
}

class Reader {
  readonly preloads: NodeCommand["preloads"][number][] = [];
  readonly envFiles: string[] = [];

  /** Reads options up to what is run. */
  take(words: string[]): Pick<NodeCommand, "script" | "code" | "task"> {
    for (let word = words.shift(); word !== undefined; word = words.shift()) {
      if (word === "--") return words[0] === undefined ? {} : { script: words[0] };
      if (word === "inspect" || word === "-") continue;
      if (!word.startsWith("-")) return { script: word };
      const equals = word.startsWith("--") ? word.indexOf("=") : -1;
      const option = equals === -1 ? word : word.slice(0, equals);
      const written = equals === -1 ? undefined : word.slice(equals + 1);
      if (CODE.has(option)) return { code: written ?? words.shift() ?? "" };
      if (option === "--run") return { task: written ?? words.shift() ?? "" };
      this.#keep(option, written, words);
    }
    return {};
  }

  #keep(option: string, written: string | undefined, words: string[]): void {
    const known = REQUIRE.has(option) || IMPORT.has(option) || ENV_FILE.has(option) || VALUED.has(option);
    if (!known) return;
    const value = written ?? words.shift() ?? "";
    if (REQUIRE.has(option)) this.preloads.push({ specifier: value, by: "require" });
    else if (IMPORT.has(option)) this.preloads.push({ specifier: value, by: "import" });
    else if (ENV_FILE.has(option)) this.envFiles.push(value);
  }
}
