import type { Severity } from "../../core/finding.ts";

/** What is known about one kind of hazard, whatever the project: the text of the reference page and of `accept:`. */
export interface Hazard {
  readonly title: string;
  /** What it is reported with, where the rule does not say otherwise for a lesser or graver case. */
  readonly severity: Severity;
  /** What somebody gains by it; begins with the attacker, not with the mechanism. */
  readonly why: string;
  /** What to change, in general; a finding says it for the case at hand. */
  readonly fix: string;
}

/** Every hazard that the analysis can report, by the id under which it may be accepted. */
export const HAZARDS = {
  "root-missing": {
    title: "The root or workspace is not there",
    severity: "error",
    why: "Nothing can be sealed in a directory that does not exist, and one that appears later was never looked at.",
    fix: "Create the directory, or correct `root:` / `workspace:`.",
  },
  "sealed-missing": {
    title: "The source of a sealed entry is not there",
    severity: "error",
    why: "The agent would start without the file that is meant to bind it.",
    fix: "Create the source, or correct its path under `sealed:`.",
  },
  "read-missing": {
    title: "A path under `read:` is not there",
    severity: "error",
    why: "A program that expects it fails, or falls back to something that the agent can write.",
    fix: "Remove the entry, or correct it.",
  },
  "symlink-in-path": {
    title: "A symbolic link leads to a place of the policy",
    severity: "error",
    why: "Whoever can replace the link decides what is sealed and what is mutable at the next start.",
    fix: "Write the real path, or make the link a real directory.",
  },
  "symlink-into-mutable": {
    title: "A sealed name is a link into a mutable place",
    severity: "error",
    why: "The link is sealed, what it leads to is not: the agent writes the file and the sealed name shows it.",
    fix: "Replace the link by a real file, or seal what it leads to.",
  },
  "symlink-outside": {
    title: "A sealed link leads out of the sandbox",
    severity: "warning",
    why: "Inside the sandbox the link is broken; programs fall back to another place, or fail.",
    fix: "Replace the link by what it leads to, or add its target under `read:`.",
  },
  "hard-link": {
    title: "A sealed file has a second name",
    severity: "error",
    why: "Writing through the other name changes the sealed source, and the next start seals the change.",
    fix: "Break the link: copy the file, remove the name, and put the copy in its place.",
  },
  "hard-link-elsewhere": {
    title: "Sealed files share their content with a store elsewhere",
    severity: "warning",
    why: "Package managers and `git clone` link files from a store; who can write the store changes what is sealed next.",
    fix: "Install with copies (`package-import-method=copy`, `git clone --no-hardlinks`), or protect the store.",
  },
  "sealed-source-mutable": {
    title: "A sealed source lies in a mutable place",
    severity: "error",
    why: "The agent writes the source during one run, and the next run seals what it wrote.",
    fix: "Keep the source outside every mutable place.",
  },
  "policy-mutable": {
    title: "The agent can write the policy file",
    severity: "error",
    why: "The next start would follow rules that the agent wrote itself.",
    fix: "Move the policy file out of the mutable place, or seal it.",
  },
  "state-mutable": {
    title: "Hardline's own state lies in a mutable place",
    severity: "error",
    why: "The agent could rewrite the releases and records that it is held to.",
    fix: "Put `--state` outside every mutable place.",
  },
  "overlap-sealed": {
    title: "One program may write what another has sealed",
    severity: "error",
    why: "One agent changes the code or limits of another, or of itself under another name; in a workspace it removes a sealed name, and with it the mount that protects it.",
    fix: "Give each its own directory, or seal the common part for both.",
  },
  "overlap-mutable": {
    title: "Two programs share a mutable place",
    severity: "error",
    why: "Over a UNIX socket there each hands the other its open files and connections, also after a policy was tightened: both have the authority of both. And each can write where the other reads its memory and state.",
    fix: "Give each its own mutable directories; accept it only where each may have everything that the other has.",
  },
  "read-mutable": {
    title: "A path under `read:` can be written",
    severity: "warning",
    why: "What is read live from there is whatever the writer made of it.",
    fix: "Read from a place that no agent may write.",
  },
  "program-missing": {
    title: "The program is not there inside the sandbox",
    severity: "error",
    why: "The agent cannot start, or a program of that name from another place is started.",
    fix: "Install it under /usr, or add its directory under `read:` and use its absolute path.",
  },
  "program-mutable": {
    title: "The program that is run lies in a mutable place",
    severity: "error",
    why: "The agent replaces the program, and the next start runs the replacement.",
    fix: "Seal the program.",
  },
  "runs-mutable": {
    title: "A sealed program runs a file from a mutable place",
    severity: "warning",
    why: "The agent decides what that file does; nothing it holds binds the agent.",
    fix: "Seal the file, or keep nothing in it that limits the agent.",
  },
  "search-path-mutable": {
    title: "A mutable directory on a search path",
    severity: "error",
    why: "The agent puts a program or module of the right name there, and it is found first.",
    fix: "Name only sealed or system directories.",
  },
  "search-path-relative": {
    title: "A relative or empty entry on a search path",
    severity: "error",
    why: "It means the current directory, whatever that is when the search happens.",
    fix: "Write absolute directories only.",
  },
  "environment-code": {
    title: "A variable makes programs load code",
    severity: "warning",
    why: "Every program that is started obeys it before its own first line.",
    fix: "Remove the variable; where it is needed, point it at a sealed file.",
  },
  "startup-file-mutable": {
    title: "A file that is obeyed at start-up can be written",
    severity: "error",
    why: "The agent writes it once, and it runs before the sealed program at the next start.",
    fix: "Seal the file, or do not name it.",
  },
  "python-import-shadowed": {
    title: "A mutable file would be imported before the sealed module",
    severity: "error",
    why: "The agent creates a module, package or extension of that name earlier in Python's search order.",
    fix: "Put the program into a directory of its own and seal the directory, or use `root:` with `mutable:`.",
  },
  "python-implicit-import": {
    title: "Python itself imports modules from a mutable place",
    severity: "warning",
    why: "`time.strptime`, a warning, an uncaught exception (3.13) import library modules by name; the agent creates the file.",
    fix: "Put the program into a directory of its own and seal the directory, or use `root:` with `mutable:`.",
  },
  "python-import-mutable": {
    title: "A sealed program imports a module that the agent can write",
    severity: "error",
    why: "The module runs with everything the sealed program decides.",
    fix: "Seal the module.",
  },
  "python-bytecode": {
    title: "Bytecode beside a sealed module can be forged",
    severity: "error",
    why: "A file in `__pycache__` with the source's time and size is run instead of the source.",
    fix: "Seal the directory, or an empty `__pycache__` in it.",
  },
  "python-module-name-mutable": {
    title: "A mutable place has the name of a module",
    severity: "error",
    why: "With an `__init__.py` in it the directory is that module, for every import of the name.",
    fix: "Rename the mutable directory.",
  },
  "venv-mutable": {
    title: "The virtual environment can be written",
    severity: "error",
    why: "`pyvenv.cfg`, `.pth` files and site-packages decide what every import finds.",
    fix: "Seal the virtual environment.",
  },
  "node-import-shadowed": {
    title: "A mutable file would be loaded before the sealed module",
    severity: "error",
    why: "The agent creates a file or directory that Node.js tries earlier.",
    fix: "Import by the full file name, and seal the directory.",
  },
  "node-import-mutable": {
    title: "A sealed program loads a module that the agent can write",
    severity: "error",
    why: "The module runs with everything the sealed program decides.",
    fix: "Seal the module.",
  },
  "node-package-scope": {
    title: "The governing package.json can be written",
    severity: "error",
    why: "Its `name` with `exports`, its `imports` and its `type` redirect what sealed modules load.",
    fix: "Seal package.json beside the program.",
  },
  "shell-source-mutable": {
    title: "A shell script sources a file that the agent can write",
    severity: "error",
    why: "A sourced file runs inside the sealed script.",
    fix: "Seal the file, and source it by a path with a slash.",
  },
  "npm-config-mutable": {
    title: "The package manager's configuration can be written",
    severity: "error",
    why: "`script-shell`, `node-options` and the scripts themselves decide what `npm run` executes.",
    fix: "Seal package.json and .npmrc, or run the program without the package manager.",
  },
  "limits-in-mutable": {
    title: "Limits are read from a mutable place",
    severity: "error",
    why: "The agent edits the number that is meant to stop it.",
    fix: "Keep limits in a sealed file, or in `limits:` of the policy.",
  },
  "config-in-mutable": {
    title: "Configuration is read from a mutable place",
    severity: "warning",
    why: "Where it holds anything that binds the agent, the agent can edit it.",
    fix: "Move the part that binds the agent to a sealed file.",
  },
  "git-hooks-mutable": {
    title: "The agent can write the hooks or configuration of a git repository",
    severity: "error",
    why: "The next person or program that uses git there runs what the agent wrote, outside the sandbox.",
    fix: "Seal `.git/`, or at least `.git/hooks/`, `.git/config` and `.git/commondir`. (A warning where a repository merely stands in a mutable directory of a sealed root: any agent can make one there.)",
  },
  "runs-later": {
    title: "A file that something else runs later can be written",
    severity: "warning",
    why: "An editor, a shell or a build on the host obeys it, outside the sandbox.",
    fix: "Seal the name.",
  },
  "runs-later-absent": {
    title: "Names that something else would run can be created",
    severity: "info",
    why: "What is absent today can be there after a run; the exit report names what appeared.",
    fix: "Seal the names that the host's programs obey.",
  },
  unparsable: {
    title: "A sealed program could not be read",
    severity: "warning",
    why: "Imports in it were not followed, so hazards there are not known.",
    fix: "Correct the syntax, or remove the file from what is run.",
  },
  "not-followed": {
    title: "A program in a language whose imports are not followed",
    severity: "error",
    why: "The program lies where the agent can put a file that is loaded before the sealed one, and nobody looked whether it can.",
    fix: "Seal the whole directory that it loads from.",
  },
  "analysis-capped": {
    title: "The analysis stopped at its bound",
    severity: "warning",
    why: "Hazards in what was not read are not known.",
    fix: "Seal fewer files, or run the parts as separate agents.",
  },
  "accept-unused": {
    title: "An acceptance matches nothing",
    severity: "warning",
    why: "A forgotten acceptance hides the hazard when it comes back.",
    fix: "Remove it from `accept:`.",
  },
  "accept-unknown": {
    title: "An acceptance names no known hazard",
    severity: "error",
    why: "Somebody believes that a risk was looked at, and it was not.",
    fix: "Use an id that `hardline check` reports.",
  },
} as const satisfies Readonly<Record<string, Hazard>>;

export type HazardId = keyof typeof HAZARDS;

/** Whether a text is the id of a known hazard. */
export function isHazardId(text: string): text is HazardId {
  return Object.hasOwn(HAZARDS, text);
}
