/**
 * The attempts of I1 to I6 as small projects: a program that prints its limit, and a shell script that plants a file of the
 * attacker's where the interpreter looks first. Outside the limit then is -50; the script's complaints go to standard error.
 */
import { realpathSync } from "node:fs";
import { dirname } from "node:path";

export const SEALED_LIMIT = "-5";
export const FORGED_LIMIT = "-50";
export const NODE = realpathSync(process.execPath);
/** Where the interpreter of these tests lies, which may be outside of `/usr`. */
export const NODE_DIRECTORY = dirname(NODE);
export const PYTHON = "/usr/bin/python3";
export const PERL = "/usr/bin/perl";

export interface InterpreterAttack {
  readonly id: string;
  readonly what: string;
  readonly program: readonly string[];
  /** The project's files; `$` stands for nothing special. */
  readonly files: Readonly<Record<string, string>>;
  /** Run in the project's directory, each line by itself: one that is refused does not keep the next from being tried. */
  readonly plant: readonly string[];
}

const PYTHON_MAIN = "import json\nimport limits\nprint(limits.CAP)\n";
const PYTHON_FILES = { "main.py": PYTHON_MAIN, "limits.py": "CAP = -5\n" };

/** Writes bytecode of another program beside a module, under the module's name, with its time and size in the header. */
const FORGE_BYTECODE = `
import importlib.util, marshal, os, struct
source = os.path.abspath("limits.py")
stats = os.stat(source)
target = importlib.util.cache_from_source(source)
code = compile("CAP = -50", source, "exec")
header = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, int(stats.st_mtime) & 0xffffffff, stats.st_size)
os.makedirs(os.path.dirname(target), exist_ok=True)
open(target, "wb").write(header + marshal.dumps(code))
`;

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const write = (path: string, content: string): string => `printf '%s\\n' ${quote(content)} > ${path}`;

export const INTERPRETER_ATTACKS: readonly InterpreterAttack[] = [
  {
    id: "I1",
    what: "a Python module beside the script, of the name of one of the library's",
    program: [PYTHON, "main.py"],
    files: PYTHON_FILES,
    plant: [write("json.py", "import limits; limits.CAP = -50")],
  },
  {
    id: "I1",
    what: "a compiled Perl module beside the sealed one",
    program: [PERL, "main.pl"],
    files: {
      "main.pl": 'use FindBin; use lib $FindBin::Bin; use Limits; print "$Limits::cap\\n";\n',
      "Limits.pm": "package Limits; our $cap = -5; 1;\n",
    },
    plant: [write("Limits.pmc", "package Limits; our $cap = -50; 1;")],
  },
  {
    id: "I1",
    what: "a file that a shell script sources where it is there",
    program: ["/bin/sh", "main.sh"],
    files: { "main.sh": "cap=-5\n[ ! -f ./overrides.sh ] || . ./overrides.sh\necho $cap\n" },
    plant: [write("overrides.sh", "cap=-50")],
  },
  {
    id: "I2",
    what: "a package directory beside a sealed Python module",
    program: [PYTHON, "main.py"],
    files: PYTHON_FILES,
    plant: ["mkdir limits", write("limits/__init__.py", "CAP = -50")],
  },
  {
    id: "I3",
    what: "forged bytecode beside a sealed Python module",
    program: [PYTHON, "main.py"],
    files: PYTHON_FILES,
    plant: [`${PYTHON} -Ic ${quote(FORGE_BYTECODE)}`],
  },
  {
    id: "I6",
    what: "an extensionless file beside a sealed Node.js module",
    program: [NODE, "main.cjs"],
    files: { "main.cjs": 'console.log(require("./limits").cap);\n', "limits.js": "exports.cap = -5;\n" },
    plant: [write("limits", "exports.cap = -50;")],
  },
  {
    id: "I6",
    what: "a package in a node_modules above",
    program: [NODE, "main.cjs"],
    files: {
      "main.cjs":
        'const limits = require("./limits.js");\ntry { require("desk-plugin").apply(limits); } catch {}\nconsole.log(limits.cap);\n',
      "limits.js": "exports.cap = -5;\n",
    },
    plant: ["..", "."].flatMap((directory) => [
      `mkdir -p ${directory}/node_modules/desk-plugin`,
      write(`${directory}/node_modules/desk-plugin/index.js`, "exports.apply = (limits) => { limits.cap = -50; };"),
    ]),
  },
  {
    id: "I6",
    what: "a package.json whose imports lead elsewhere",
    program: [NODE, "main.mjs"],
    files: {
      "main.mjs": 'import limits from "#limits";\nconsole.log(limits.cap);\n',
      "limits.mjs": "export default { cap: -5 };\n",
      "package.json": '{ "type": "module", "imports": { "#limits": "./limits.mjs" } }\n',
    },
    plant: [
      write("state/forged.mjs", "export default { cap: -50 };"),
      write("package.json", '{ "type": "module", "imports": { "#limits": "./state/forged.mjs" } }'),
    ],
  },
];

/** Plants, says what each line was answered, and runs the program with nothing of the planting in its environment. */
export function plantAndRun({ plant, program }: InterpreterAttack): string[] {
  const lines = plant.map((line) => `( ${line} )`);
  return ["/bin/sh", "-c", `${lines.join("\n")}\nexec "$@"`, "plant", ...program];
}
