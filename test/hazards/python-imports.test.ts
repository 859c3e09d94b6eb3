import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PythonSource } from "../../src/analysis/hazards/python/source.ts";
import { PYTHON, runPlain } from "./interpreters.ts";

/** Prints, for every file named on its command line, the imports that Python's own parser finds. */
const ORACLE = `
import ast, json, sys
out = {}
for name in sys.argv[1:]:
    found = []
    tree = ast.parse(open(name, "rb").read())
    skipped = {id(x) for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test).endswith("TYPE_CHECKING")
               for b in n.body for x in ast.walk(b)}
    for node in ast.walk(tree):
        if id(node) in skipped: continue
        if isinstance(node, ast.Import):
            found += ["0:%s:" % a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("%d:%s:%s" % (node.level, node.module or "", ",".join(a.name for a in node.names if a.name != "*")))
    out[name] = sorted(found)
print(json.dumps(out))
`;

/** Parts of the library that use the language broadly. */
const PACKAGES = [
  "",
  "asyncio",
  "concurrent/futures",
  "email",
  "importlib",
  "json",
  "logging",
  "multiprocessing",
  "unittest",
  "xml/etree",
];

test("the imports of a part of Python's library, as Python's own parser finds them", () => {
  const library = runPlain([PYTHON, "-c", "import os; print(os.path.dirname(os.__file__))"], "/").stdout.trim();
  const files = PACKAGES.flatMap((name) =>
    readdirSync(join(library, name))
      .filter((each) => each.endsWith(".py"))
      .slice(0, 40)
      .map((each) => join(library, name, each)),
  );
  const oracle: unknown = JSON.parse(runPlain([PYTHON, "-c", ORACLE, ...files], "/").stdout);
  const ours = Object.fromEntries(
    files.map((file) => {
      const text = readFileSync(file, "utf8");
      const source = new PythonSource(text, file, "/");
      expect(source.brokenAt(), file).toBeUndefined();
      // Calls of __import__ and the like are no import statements.
      const statements = source
        .imports()
        .filter((each) => ["from", "impo"].includes(text.slice(each.offset, each.offset + 4)));
      return [file, statements.map(({ level, module, names }) => `${level}:${module}:${names.join(",")}`).sort()];
    }),
  );
  expect(files.length).toBeGreaterThan(100);
  expect(ours).toEqual(oracle);
});
