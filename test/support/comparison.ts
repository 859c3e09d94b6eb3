/**
 * The same attacks under Hardline and under another sandbox, as one table. Every cell is judged by one rule from what the
 * kernel answered and from what the host's files say afterwards; nothing is known beforehand of who should hold.
 */
import { existsSync, linkSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { AttackScript } from "./attack-program.ts";
import { KERNEL } from "./comparison-kernel.ts";
import { attack, judge, NOT_STARTED, names, type Place, type Row, type Run, unique } from "./comparison-verdict.ts";
import { changeFile, createName, renameDirectory, replaceFile } from "./file-attacks.ts";
import { INTERPRETER_ATTACKS, NODE_DIRECTORY } from "./interpreter-attacks.ts";
import type { Lab, LabOptions } from "./lab.ts";
import { snapshot, until } from "./truth.ts";

/** A sandbox under comparison: what its column is called, its lab, and the words that run a command in it. */
export interface Contender {
  readonly name: string;
  readonly lab: (options: Partial<LabOptions>) => Lab;
  readonly words: (lab: Lab, command: readonly string[]) => readonly string[];
}

const SEALED = ["limits.txt", "code", "kept"];

/** What is sealed, as the host sees it; times of directories move with mount points that come and go. */
function sealedTruth(lab: Lab): string {
  const seen = Object.entries(snapshot(lab.project)).filter(([path]) =>
    SEALED.some((name) => path === name || path.startsWith(`${name}/`)),
  );
  return JSON.stringify(
    seen.map(([path, entry]) => [
      path,
      entry.content,
      entry.mode,
      entry.owner,
      entry.links,
      String(entry.kind === "file" ? entry.modified : 0),
    ]),
  );
}

async function withTruth(place: Place, verdict: () => Promise<string>): Promise<string> {
  const before = sealedTruth(place.lab);
  const answer = await verdict();
  return sealedTruth(place.lab) === before ? answer : `broken (the host's file changed; ${answer})`;
}

/** What is the same on any file, because the descriptor may only read. */
const BY_DESCRIPTOR = [
  "open O_RDONLY",
  "mmap MAP_SHARED for reading",
  "mmap MAP_SHARED for writing",
  "mprotect it for writing",
  "ftruncate O_RDONLY",
];

const FILES: readonly Row[] = [
  {
    id: "F1",
    what: "write, truncate, chmod, utimes, setxattr … a sealed file",
    attempt: (place) =>
      withTruth(place, async () => {
        const script = changeFile(new AttackScript(), place.lab.limits);
        return judge(await attack(place, script), names(script, BY_DESCRIPTOR), ["EROFS", "EBADF"]);
      }),
  },
  {
    id: "F2",
    what: "unlink or rename it, put something else in its place",
    attempt: (place) =>
      withTruth(place, async () => {
        const { lab } = place;
        const script = replaceFile(new AttackScript(), lab.rules, join(lab.project, "code/deep"), lab.state);
        return judge(await attack(place, script), names(script));
      }),
  },
  {
    id: "F3",
    what: "rename a directory above it, make the path anew",
    attempt: (place) =>
      withTruth(place, async () => {
        const script = new AttackScript();
        for (const path of ["code/deep", "code", "."]) renameDirectory(script, path, join(place.lab.project, path));
        const own = names(script).filter((name) => !name.startsWith(".: "));
        // `.` itself answers EBUSY everywhere; the project's own name is what counts.
        renameDirectory(script, "the project", place.lab.project);
        return judge(await attack(place, script), [...own, "the project: rename", "the project: rmdir"]);
      }),
  },
  {
    id: "F4",
    what: "create a sealed name that is absent, or take its stand-in away",
    attempt: async (place) => {
      const { lab } = place;
      const script = createName(new AttackScript(), "absent", join(lab.project, "absent.txt"), lab.state);
      const verdict = judge(await attack(place, script), names(script, ["absent: rmdir"]));
      await until("nothing is left of it", () => !existsSync(join(lab.project, "absent.txt")) || undefined, 2000).catch(
        () => undefined,
      );
      return existsSync(join(lab.project, "absent.txt")) ? `${verdict}, and a file is left on the host` : verdict;
    },
  },
  {
    id: "F5",
    what: "a symlink in the sealed file's place before the start",
    attempt: async ({ lab, run }) => {
      const victim = lab.write("victim.txt", "daily loss cap: -50\n");
      const aside = join(lab.directory, "aside");
      renameSync(lab.limits, aside);
      symlinkSync(victim, lab.limits);
      try {
        const { status, stdout, stderr } = await run(["/bin/cat", lab.limits]);
        if (status === NOT_STARTED && stderr.includes(lab.limits)) return "held (refused, named)";
        if (stdout.toString().includes("-50")) return "broken (the link is followed)";
        return stderr.includes("No such file") ? "held (it leads nowhere inside)" : `inconclusive (status ${status})`;
      } finally {
        rmSync(lab.limits);
        renameSync(aside, lab.limits);
      }
    },
  },
  {
    id: "F7",
    what: "write through a hard link made beforehand",
    attempt: async ({ lab, run }) => {
      const alias = join(lab.state, "alias.txt");
      linkSync(lab.limits, alias);
      try {
        const { status, stdout, stderr } = await run(["/bin/sh", "-c", `echo forged > ${alias}; cat ${lab.limits}`]);
        if (status === NOT_STARTED && stderr.includes("hard-link")) return "held (refused, named)";
        return stdout.toString().includes("forged") ? "broken (what runs has changed)" : "held (what runs is a copy)";
      } finally {
        rmSync(alias);
        lab.write("desk/limits.txt", "daily loss cap: -5\n");
      }
    },
  },
  {
    id: "F8",
    what: "use a descriptor that the launcher left open",
    attempt: async (place) => {
      const script = new AttackScript();
      for (const number of [9, 200, 999])
        script.attempt(`descriptor ${number}`, "openat", [number, { text: ".." }, 0, 0]);
      const wrapper = ["/bin/bash", "-c", 'exec 9</etc 200</etc 999</etc; exec "$@"', "leaking"];
      return judge(await attack(place, script, { wrapper }), names(script), ["EBADF"]);
    },
  },
];

/** What a shell says for the errors that planting can meet. */
const PLANTING: Readonly<Record<string, string>> = {
  "Read-only file system": "EROFS",
  "Is a directory": "EISDIR",
  "File exists": "EEXIST",
  "Operation not permitted": "EPERM",
};

const INTERPRETERS: readonly Row[] = INTERPRETER_ATTACKS.map((each): Row => {
  const files = Object.keys(each.files);
  return {
    id: each.id,
    what: each.what,
    lab: { run: each.program, read: [NODE_DIRECTORY], sealed: JSON.stringify(files) },
    attempt: async ({ lab, run }) => {
      // In a file: not every tool hands several words on as they are.
      const plant = lab.write("bin/plant.sh", `${each.plant.map((line) => `( ${line} )`).join("\n")}\nexec "$@"\n`);
      const { status, stdout, stderr } = await run(["/bin/sh", plant, ...each.program]);
      const named = /: ((?:python|node|shell)-[a-z-]+|not-followed): /.exec(stderr)?.[1];
      if (status === NOT_STARTED && named !== undefined) return `held (refused: ${named})`;
      const limit = stdout.toString().trim();
      const answered = Object.entries(PLANTING)
        .filter(([text]) => stderr.includes(text))
        .map(([, errno]) => errno);
      const intact = files.every((file) => readFileSync(join(lab.project, file), "utf8") === each.files[file]);
      if (limit === "-50") return "broken (the limit is -50)";
      return limit === "-5" && intact && answered.length > 0
        ? `held (${unique(answered)})`
        : `inconclusive (${status}: ${limit})`;
    },
  };
});

const VARIABLES: Row = {
  id: "I4",
  what: "a variable of the caller's makes the program load the attacker's code",
  lab: { sealed: '["main.pl"]' },
  attempt: async ({ lab, run }) => {
    const program = lab.write("desk/main.pl", 'print "-5\\n";\n');
    lab.write("desk/state/Evil.pm", 'package Evil; print "-50\\n"; exit 0; 1;\n');
    const { stdout } = await run(["/usr/bin/perl", program], { env: { PERL5OPT: "-MEvil", PERL5LIB: lab.state } });
    const limit = stdout.toString().trim();
    if (limit === "-50") return "broken (the limit is -50)";
    return limit === "-5" ? "held (not in its environment)" : `inconclusive (${limit})`;
  },
};

export const ROWS: readonly Row[] = [...FILES, ...INTERPRETERS, VARIABLES, ...KERNEL];

/** One cell: a fresh lab, the attempt, and the verdict; what did not run at all is said and not judged. */
export async function cell(row: Row, contender: Contender): Promise<string> {
  const lab = contender.lab({ ...row.lab });
  try {
    const attackOf = INTERPRETER_ATTACKS.find(({ what }) => what === row.what);
    for (const [path, content] of Object.entries(attackOf?.files ?? {})) lab.write(join("desk", path), content);
    const run: Run = (command, options = {}) => lab.runWords(contender.words(lab, command), options);
    return await row.attempt({ lab, run });
  } catch (error) {
    return `did not run: ${error instanceof Error ? error.message.split("\n")[0] : error}`;
  } finally {
    lab.remove();
  }
}
