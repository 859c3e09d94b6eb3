/** Names in mutable places that a person, an editor or a build on the host obeys later, outside the sandbox. */
import { basename, join } from "node:path";
import { type Inquiry, ofAgent } from "./inquiry.ts";
import { atMutable } from "./places.ts";
import type { Where } from "./report.ts";

/** Names, and what obeys them. Directories are judged as a whole. */
export const RUNS_LATER: Readonly<Record<string, string>> = {
  ".envrc": "direnv",
  ".vscode": "the editor",
  ".idea": "the editor",
  ".devcontainer": "the editor",
  ".cursor": "the coding assistant",
  ".claude": "the coding assistant",
  ".mcp.json": "the coding assistant",
  ".husky": "git hooks",
  ".pre-commit-config.yaml": "pre-commit",
  ".github": "the continuous integration",
  ".gitlab-ci.yml": "the continuous integration",
  ".npmrc": "npm",
  ".yarnrc.yml": "yarn",
  ".pnpmfile.cjs": "pnpm",
  "package.json": "npm",
  node_modules: "Node.js",
  Makefile: "make",
  GNUmakefile: "make",
  makefile: "make",
  Justfile: "just",
  justfile: "just",
  "Taskfile.yml": "task",
  Rakefile: "rake",
  ".tool-versions": "the version manager",
  "mise.toml": "the version manager",
  ".bashrc": "the shell",
  ".bash_profile": "the shell",
  ".profile": "the shell",
  ".zshrc": "the shell",
  ".gitconfig": "git",
  ".ssh": "ssh",
  "docker-compose.yml": "docker compose",
  "compose.yaml": "docker compose",
  Dockerfile: "docker build",
  "conftest.py": "pytest",
  "setup.py": "pip",
  "noxfile.py": "nox",
  Vagrantfile: "vagrant",
};

export function checkRunsLater(inquiry: Inquiry): void {
  const { world, agent } = inquiry;
  const { shape } = agent;
  if (shape.kind === "workspace") {
    const at = ofAgent(inquiry, "workspace");
    checkDirectory(inquiry, shape.workspace, at);
    const absent = [".git", ".envrc", ".vscode", ".mcp.json", "Makefile"].filter(
      (name) =>
        world.forgeable(join(shape.workspace, name), "file") && world.kind(join(shape.workspace, name)) === "absent",
    );
    if (absent.length > 0) {
      inquiry.report.add("runs-later-absent", {
        at,
        message: `the agent can create names that something else would obey: ${absent.join(", ")} …`,
        fix: `Add those that the host's programs obey to \`sealed:\`, as in \`sealed: [${absent.join(", ")}]\`.`,
      });
    }
    return;
  }
  for (const path of shape.mutable) {
    const at = atMutable(inquiry, path);
    const place = join(shape.root, path);
    const name = basename(place);
    if (path.split("/").includes(".git")) hooks(inquiry, place, at);
    else if (Object.hasOwn(RUNS_LATER, name)) runsLater(inquiry, place, name, at);
    else checkDirectory(inquiry, place, at);
  }
}

function checkDirectory(inquiry: Inquiry, directory: string, at: Where): void {
  const { world } = inquiry;
  const git = join(directory, ".git");
  if (world.stat(git) !== undefined) checkRepository(inquiry, git, at);
  for (const name of Object.keys(RUNS_LATER)) {
    const path = join(directory, name);
    // What is there but sealed is looked after; a sealed file inside a mutable directory of that name is not enough.
    if (world.stat(path) !== undefined && world.writable(path)) runsLater(inquiry, path, name, at);
  }
}

function runsLater(inquiry: Inquiry, path: string, name: string, at: Where): void {
  inquiry.report.add("runs-later", {
    at,
    message: `${path} is mutable, and what it says is run by ${RUNS_LATER[name] ?? "something else"}, outside the sandbox`,
    fix:
      inquiry.agent.shape.kind === "workspace"
        ? `Add \`${name}\` to \`sealed:\`.`
        : `Move ${name} out of the mutable place.`,
  });
}

function hooks(inquiry: Inquiry, git: string, at: Where): void {
  inquiry.report.add("git-hooks-mutable", {
    at,
    message: `the agent can write ${git}: hooks and configuration run as whoever uses git there next`,
  });
}

/**
 * A repository whose work tree is mutable. Hooks and configuration are commands; `commondir` sends git to another
 * configuration altogether, so that sealing `config` alone is not enough.
 */
function checkRepository(inquiry: Inquiry, git: string, at: Where): void {
  const { world, report } = inquiry;
  if (!(world.forgeable(git, "file") || world.writable(git))) return; // sealed as a whole
  if (world.kind(git) === "file") {
    hooks(inquiry, git, at); // a pointer to the real repository; the agent can point it elsewhere
    return;
  }
  const open = ["hooks", "config"].filter((name) => world.forgeable(join(git, name), "file"));
  if (open.length > 0) {
    report.add("git-hooks-mutable", {
      at,
      message: `the agent can write ${open.map((name) => join(git, name)).join(" and ")}: they run as whoever uses git there next`,
    });
  } else if (world.forgeable(join(git, "commondir"), "file")) {
    report.add("git-hooks-mutable", {
      at,
      message: `the agent can create ${join(git, "commondir")}, which makes git read hooks and configuration from elsewhere`,
      fix: "Put a file `.git/commondir` that holds a single dot into the repository and seal it too, or seal `.git/` whole.",
    });
  }
}
