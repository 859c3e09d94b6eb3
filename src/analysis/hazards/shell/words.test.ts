import fc from "fast-check";
import { expect, test } from "vitest";
import { readShell } from "./words.ts";

const commands = (text: string): (string | undefined)[][] =>
  readShell(text).commands.map((each) => each.words.map((word) => word.text));

test("words, quotes and expansions", () => {
  expect(commands(`a 'b c' "d e" f\\ g "h"i $x "$y" z*`)).toEqual([
    ["a", "b c", "d e", "f g", "hi", undefined, undefined, undefined],
  ]);
  expect(commands("a # comment\nb;c&&d||e|f&g")).toEqual([["a"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"]]);
  expect(commands("a \\\n  b")).toEqual([["a", "b"]]);
});

test("commands inside compounds, functions and substitutions", () => {
  expect(commands("if a; then b; elif c; then d; else e; fi")).toEqual([["a"], ["b"], ["c"], ["d"], ["e"]]);
  expect(commands("while read x; do (a; { b; }); done")).toEqual([["read", "x"], ["a"], ["b"]]);
  expect(commands('a "$(b c)" `d` <(e)')).toEqual([["b", "c"], ["d"], ["e"], ["a", undefined, undefined]]);
  expect(commands("for i in a b; do c; done")).toEqual([["c"]]);
  const { functions, commands: found } = readShell("f() { a; }\nfunction g { b; }\ng");
  expect([...functions]).toEqual(["f", "g"]);
  expect(found.map((each) => each.words[0]?.text)).toEqual(["a", "b", "g"]);
});

test("assignments, redirections and here-documents", () => {
  const [first] = readShell('A=1 B="$x" run <in.txt 2>err >>out 2>&1').commands;
  expect(first?.assignments).toEqual({ A: "1", B: undefined });
  expect(first?.words.map((word) => word.text)).toEqual(["run"]);
  expect(first?.inputs.map((word) => word.text)).toEqual(["in.txt"]);
  expect(commands("cat <<EOF\n. evil\nEOF\nb")).toEqual([["cat"], ["b"]]);
  expect(commands("cat <<-'E'\n\t. evil\n\tE\nb")).toEqual([["cat"], ["b"]]);
});

test("offsets point into the text", () => {
  const text = "true\n  . ./lib.sh\n";
  const word = readShell(text).commands[1]?.words[1];
  expect(text.slice(word?.offset)).toBe("./lib.sh\n");
});

test("any text comes to an end", () => {
  const pieces = fc.constantFrom(
    "a",
    " ",
    "\n",
    "'",
    '"',
    "$(",
    ")",
    "`",
    "<",
    "<<",
    "(",
    "{",
    "}",
    "\\",
    "=",
    ";",
    "for ",
    "$",
    "#",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
      expect(readShell(parts.join("")).commands.length).toBeLessThan(200);
    }),
  );
});
