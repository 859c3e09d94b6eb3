import { resolve } from "node:path";
import type { Command } from "./command.ts";

/** Programs that do nothing but start another, with the options of theirs that take a value. */
const WRAPPERS: Readonly<Record<string, { readonly valued: readonly string[]; readonly operands: number }>> = {
  env: { valued: [], operands: 0 },
  nice: { valued: ["-n", "--adjustment"], operands: 0 },
  ionice: { valued: ["-c", "-n", "-p"], operands: 0 },
  nohup: { valued: [], operands: 0 },
  setsid: { valued: [], operands: 0 },
  stdbuf: { valued: ["-i", "-o", "-e"], operands: 0 },
  timeout: { valued: ["-k", "-s", "--kill-after", "--signal"], operands: 1 },
  tini: { valued: ["-p", "-e"], operands: 0 },
  "dumb-init": { valued: ["-r", "--rewrite"], operands: 0 },
  catatonit: { valued: [], operands: 0 },
};

/** What a wrapper starts, with the environment and directory that it sets; `undefined` where the program is none. */
export function unwrap(name: string, command: Command): Command | undefined {
  const wrapper = Object.hasOwn(WRAPPERS, name) ? WRAPPERS[name] : undefined;
  if (wrapper === undefined) return undefined;
  const words = command.argv.slice(1);
  const setting: Setting = { env: { ...command.env }, cwd: command.cwd };
  let { operands } = wrapper;
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (name === "env" && takeForEnv(word, words, setting)) continue;
    if (wrapper.valued.includes(word)) words.shift();
    else if (word.startsWith("-")) continue;
    else if (operands-- <= 0) return { ...command, ...setting, argv: [word, ...words], depth: command.depth + 1 };
  }
  return undefined;
}

interface Setting {
  readonly env: Record<string, string>;
  cwd: string;
}

/** What `env` itself understands; answers whether the word was such. */
function takeForEnv(word: string, words: string[], setting: Setting): boolean {
  const equals = word.indexOf("=");
  if (word.startsWith("-S") || word === "--split-string") {
    const text = word.startsWith("-S") && word !== "-S" ? word.slice(2) : (words.shift() ?? "");
    words.unshift(...text.split(" ").filter((each) => each !== ""));
  } else if (word === "-C" || word === "--chdir") {
    setting.cwd = resolve(setting.cwd, words.shift() ?? "");
  } else if (word === "-u" || word === "--unset") {
    delete setting.env[words.shift() ?? ""];
  } else if (word === "-i" || word === "-" || word === "--ignore-environment") {
    for (const key of Object.keys(setting.env)) delete setting.env[key];
  } else if (equals > 0 && !word.startsWith("-")) {
    setting.env[word.slice(0, equals)] = word.slice(equals + 1);
  } else return false;
  return true;
}
