/**
 * Names that something outside a sandbox runs or obeys without being asked: the one table for what is found before a start
 * and for what is reported after a run. Who controls such a name: whoever may write the directory it is in. A name is
 * matched as it is spelled, on a file system that tells upper from lower case.
 */

const SHELL = "shells run it";
const MAKE = "make runs it";
const JUST = "just runs it";
const TASK = "task runs it";
const COMPOSE = "docker compose mounts and runs what it names";
const IMAGE = "building the image runs it";
const CI = "the continuous integration runs what it names";
const VERSIONS = "the version manager obeys it";
const ASSISTANT = "the coding assistant obeys it";

/** Files, and why each matters, to follow "… : ". */
const FILES: ReadonlyMap<string, string> = new Map([
  [".envrc", "direnv runs it when somebody enters the directory"],
  [".env", "programs read their settings from it"],
  [".mcp.json", "MCP clients start the servers that it names"],
  [".cursorrules", ASSISTANT],
  ["AGENTS.md", ASSISTANT],
  ["CLAUDE.md", ASSISTANT],
  [".npmrc", "npm obeys it"],
  [".yarnrc", "yarn obeys it, and it can name programs"],
  [".yarnrc.yml", "yarn obeys it, and it can name programs"],
  [".pnpmfile.cjs", "pnpm runs it"],
  ["pnpm-workspace.yaml", "pnpm obeys it"],
  ["bunfig.toml", "bun obeys it, and it can name programs"],
  ["package.json", "npm runs its scripts"],
  [".gitconfig", "git obeys it, and it can name programs"],
  [".gitattributes", "git obeys it, and it can name filters"],
  [".gitmodules", "git fetches what it names"],
  [".pre-commit-config.yaml", "pre-commit runs what it names"],
  ["lefthook.yml", "lefthook runs what it names"],
  [".bashrc", SHELL],
  [".bash_profile", SHELL],
  [".bash_login", SHELL],
  [".bash_logout", SHELL],
  [".profile", SHELL],
  [".zshrc", SHELL],
  [".zshenv", SHELL],
  [".zprofile", SHELL],
  [".zlogin", SHELL],
  [".gdbinit", "gdb runs it"],
  [".exrc", "vi runs it"],
  ["sitecustomize.py", "Python runs it at every start"],
  ["usercustomize.py", "Python runs it at every start"],
  ["conftest.py", "pytest runs it"],
  ["noxfile.py", "nox runs it"],
  ["tox.ini", "tox runs what it names"],
  ["setup.py", "installing the directory runs it"],
  ["setup.cfg", "installing the directory obeys it"],
  ["pyproject.toml", "Python's tools obey it, and it can name programs"],
  ["build.rs", "cargo runs it"],
  ["Gemfile", "bundler runs it"],
  ["Rakefile", "rake runs it"],
  ["Makefile", MAKE],
  ["makefile", MAKE],
  ["GNUmakefile", MAKE],
  ["Justfile", JUST],
  ["justfile", JUST],
  ["Taskfile.yml", TASK],
  ["Taskfile.yaml", TASK],
  ["Dockerfile", IMAGE],
  ["Containerfile", IMAGE],
  ["docker-compose.yml", COMPOSE],
  ["docker-compose.yaml", COMPOSE],
  ["compose.yml", COMPOSE],
  ["compose.yaml", COMPOSE],
  ["Vagrantfile", "vagrant runs it"],
  ["Jenkinsfile", CI],
  [".gitlab-ci.yml", CI],
  [".tool-versions", VERSIONS],
  ["mise.toml", VERSIONS],
  [".mise.toml", VERSIONS],
]);

/** Directories of which everything is obeyed, at any depth. */
const DIRECTORIES: ReadonlyMap<string, string> = new Map([
  [".vscode", "the editor runs tasks"],
  [".idea", "the editor runs configurations"],
  [".cursor", "the editor starts servers that it names"],
  [".claude", ASSISTANT],
  [".devcontainer", "the editor builds and runs the container"],
  [".github", "the forge runs workflows"],
  [".circleci", CI],
  [".husky", "git runs hooks"],
  [".ssh", "ssh obeys it, and it says who may log in"],
]);

/** Directories of which what lies directly in them is obeyed. */
const PARENTS: ReadonlyMap<string, string> = new Map([
  [".bin", "npm scripts find programs in node_modules/.bin"],
  ["__pycache__", "Python loads bytecode from it instead of the source"],
]);

/** Files that are obeyed in a directory of that name only. */
const PAIRS: ReadonlyMap<string, string> = new Map([
  [".cargo/config.toml", "cargo obeys it, and it can name programs"],
  [".cargo/config", "cargo obeys it, and it can name programs"],
]);

/** Where Node.js looks for packages; each package in it is one thing. */
export const PACKAGES = "node_modules";
export const PACKAGES_RUN_LATER = "Node resolves packages from node_modules of every parent directory";

const GIT_CONFIG: ReadonlyMap<string, string> = new Map([
  ["config", "git obeys it, and it can name programs"],
  ["config.worktree", "git obeys it, and it can name programs"],
  ["commondir", "git reads hooks and configuration from where it points"],
]);

/** Every name of the table that is obeyed wherever it stands, files and directories alike. */
export const RUN_LATER_NAMES: readonly string[] = [...FILES.keys(), ...DIRECTORIES.keys(), PACKAGES];

/** Why a file or a directory of that name matters where it stands alone; `undefined` for an innocent name. */
export function whyRunLater(name: string): string | undefined {
  return FILES.get(name) ?? whyDirectoryRunsLater(name);
}

/** The same for a directory, or for a link that may lead to one. */
export function whyDirectoryRunsLater(name: string): string | undefined {
  return DIRECTORIES.get(name) ?? PARENTS.get(name) ?? (name === PACKAGES ? PACKAGES_RUN_LATER : undefined);
}

/**
 * Why a file at that path matters, by its name and by those of the directories above it (`parts`, outermost first, the
 * file's own name last). `inRepository`: what it lies in is a repository by {@link isRepository}.
 */
export function whyPathRunsLater(parts: readonly string[], inRepository: boolean): string | undefined {
  const name = parts.at(-1) ?? "";
  const parent = parts.at(-2) ?? "";
  const above = parts.slice(0, -1);
  if (name === ".git") return "git goes to the repository that it names, whose configuration can name programs";
  const config = inRepository || above.includes(".git") ? GIT_CONFIG.get(name) : undefined;
  if (config !== undefined) return config;
  const ancestor = above.find((part) => DIRECTORIES.has(part));
  if (ancestor !== undefined) return DIRECTORIES.get(ancestor);
  if (parent === "hooks" && above.slice(0, -1).some((part) => part.endsWith(".git"))) return "git runs hooks";
  if (name.endsWith(".pth")) return "Python runs it at every start, if the directory is a site directory";
  return PARENTS.get(parent) ?? PAIRS.get(`${parent}/${name}`) ?? FILES.get(name);
}

/**
 * Whether git takes a directory with these names in it for a repository, whatever it is called: it obeys the `config` of one
 * that somebody merely enters. With a `commondir`, all but `HEAD` may lie elsewhere. (gitrepository-layout(5))
 */
export function isRepository(has: (name: string) => boolean): boolean {
  return has("HEAD") && (has("objects") || has("commondir"));
}

/** Whether a repository says in a file of that name what git is to obey. */
export function isRepositoryConfig(name: string): boolean {
  return GIT_CONFIG.has(name);
}
