/** What is made from the code says what the code says. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { generatedFiles } from "../../src/cli/reference/generated-files.ts";
import { hasProgram } from "../abilities.ts";

const ROOT = join(import.meta.dirname, "../..");

test.each([...generatedFiles()])("%s is fresh (npm run generate)", (name, text) => {
  expect(readFileSync(join(ROOT, name), "utf8")).toBe(text);
});

test("generating twice gives the same", () => {
  expect([...generatedFiles()]).toEqual([...generatedFiles()]);
});

test.skipIf(!hasProgram("man"))("the manual page is well-formed (needs man)", () => {
  const { status, stdout, stderr } = spawnSync("man", ["--warnings=all", "-l", join(ROOT, "man/hardline.1")], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], MANPAGER: "cat", MANWIDTH: "80", LC_ALL: "C.UTF-8" },
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(stdout).toContain("hardline run [options] [-- command...]");
  expect(stdout).toContain("--policy <file>");
});

interface Completion {
  readonly words: string;
  readonly offers: readonly string[];
  readonly not?: readonly string[];
}

const COMPLETIONS: readonly Completion[] = [
  { words: "hardline ", offers: ["init", "doctor", "check", "fmt", "plan", "run", "completions"] },
  { words: "hardline ch", offers: ["check"], not: ["run"] },
  { words: "hardline check --", offers: ["--json", "--policy", "--agent"], not: ["--force"] },
  { words: "hardline init --", offers: ["--force", "--print"], not: ["--state"] },
  { words: "hardline completions ", offers: ["bash", "zsh", "fish"] },
];

/** Asks a real bash what it would offer. */
function bashOffers(words: string): string[] {
  const script = `
    source "$1"
    read -ra COMP_WORDS <<< "$2"
    [[ $2 == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _hardline
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync(
    "bash",
    ["--norc", "-c", script, "bash", join(ROOT, "completions/hardline.bash"), words],
    {
      encoding: "utf8",
    },
  );
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

test.each(COMPLETIONS)("bash completes %o", ({ words, offers, not = [] }) => {
  const offered = bashOffers(words);
  expect(offered).toEqual(expect.arrayContaining([...offers]));
  for (const word of not) expect(offered).not.toContain(word);
});

test("bash completes a program after --", () => {
  expect(bashOffers("hardline run -- ech")).toContain("echo");
});

test.skipIf(!hasProgram("fish")).each(COMPLETIONS)("fish completes %o (needs fish)", ({ words, offers, not = [] }) => {
  const script = `source $argv[1]; complete -C $argv[2]`;
  const { stdout, stderr, error } = spawnSync(
    "fish",
    ["--no-config", "-c", script, join(ROOT, "completions/hardline.fish"), words],
    { encoding: "utf8" },
  );
  expect(error).toBeUndefined();
  expect(stderr).toBe("");
  const offered = stdout.split("\n").map((line) => line.split("\t")[0]);
  expect(offered).toEqual(expect.arrayContaining([...offers]));
  for (const word of not) expect(offered).not.toContain(word);
});

test.skipIf(!hasProgram("zsh"))("zsh takes the completion for what it is (needs zsh)", () => {
  const scratch = mkdtempSync(join(tmpdir(), "hardline-zsh-"));
  try {
    writeFileSync(join(scratch, "_hardline"), readFileSync(join(ROOT, "completions/_hardline")));
    const script =
      "fpath=($1 $fpath); autoload -Uz compinit; compinit -D -u; print -r -- $_comps[hardline]; autoload +X -Uz _hardline; print loaded";
    const { stdout, stderr, error } = spawnSync("zsh", ["-f", "-c", script, "zsh", scratch], { encoding: "utf8" });
    expect(error).toBeUndefined();
    expect(stderr).toBe("");
    expect(stdout).toBe("_hardline\nloaded\n");
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});
