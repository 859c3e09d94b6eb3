/**
 * Names in mutable places that a person, an editor or a build on the host obeys later, outside the sandbox. A repository in a
 * workspace is an error, and says what to seal. In a mutable directory of a sealed root nothing can be sealed, and the agent
 * may make any name at any time: what merely stands there is a warning, so that no agent ends its own later starts with it.
 */
import { basename, join } from "node:path";
import type { Severity } from "../../core/finding.ts";
import { isRepository, RUN_LATER_NAMES, whyRunLater } from "../../core/runs-later.ts";
import { type Inquiry, ofAgent } from "./inquiry.ts";
import { atMutable } from "./places.ts";
import type { Where } from "./report.ts";

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
    // The policy itself says so, and no agent.
    if (path.split("/").includes(".git")) hooks(inquiry, place, { at, fix: `Take \`${path}\` out of \`mutable:\`.` });
    else if (whyRunLater(name) !== undefined) runsLater(inquiry, place, name, at);
    else checkDirectory(inquiry, place, at);
  }
}

function checkDirectory(inquiry: Inquiry, directory: string, at: Where): void {
  const { world } = inquiry;
  const has = (name: string): boolean => world.stat(join(directory, name)) !== undefined;
  const git = join(directory, ".git");
  if (has(".git")) checkRepository(inquiry, git, at);
  if (isRepository(has)) checkRepository(inquiry, directory, at);
  for (const name of RUN_LATER_NAMES) {
    const path = join(directory, name);
    // What is there but sealed is looked after; a sealed file inside a mutable directory of that name is not enough.
    if (world.stat(path) !== undefined && world.writable(path)) runsLater(inquiry, path, name, at);
  }
}

function runsLater(inquiry: Inquiry, path: string, name: string, at: Where): void {
  inquiry.report.add("runs-later", {
    at,
    message: `${path} is mutable, and outside the sandbox ${whyRunLater(name) ?? "something else runs it"}`,
    fix:
      inquiry.agent.shape.kind === "workspace"
        ? `Add \`${name}\` to \`sealed:\`.`
        : `Move ${name} out of the mutable place.`,
  });
}

/** Where a repository is reported, and how gravely. */
interface Grade {
  readonly at: Where;
  readonly severity?: Severity;
  readonly fix?: string;
}

function hooks(inquiry: Inquiry, git: string, grade: Grade): void {
  inquiry.report.add("git-hooks-mutable", {
    ...grade,
    message: `the agent can write ${git}: hooks and configuration run as whoever uses git there next`,
  });
}

/**
 * A repository whose work tree is mutable. Hooks and configuration are commands; `commondir` sends git to another
 * configuration altogether, so that sealing `config` alone is not enough.
 */
function checkRepository(inquiry: Inquiry, git: string, at: Where): void {
  const { world, report, agent } = inquiry;
  const grade: Grade =
    agent.shape.kind === "workspace"
      ? { at }
      : {
          at,
          severity: "warning",
          fix: `Use git nowhere in there, and move ${git} away if it is not meant to be there.`,
        };
  if (!(world.forgeable(git, "file") || world.writable(git))) return; // sealed as a whole
  if (world.kind(git) === "file") {
    hooks(inquiry, git, grade); // a pointer to the real repository; the agent can point it elsewhere
    return;
  }
  const open = ["hooks", "config"].filter((name) => world.forgeable(join(git, name), "file"));
  if (open.length > 0) {
    report.add("git-hooks-mutable", {
      ...grade,
      message: `the agent can write ${open.map((name) => join(git, name)).join(" and ")}: they run as whoever uses git there next`,
    });
  } else if (world.forgeable(join(git, "commondir"), "file")) {
    // Only reached where something in it is sealed, which is in a workspace.
    report.add("git-hooks-mutable", {
      at,
      message: `the agent can create ${join(git, "commondir")}, which makes git read hooks and configuration from elsewhere`,
      fix: "Put a file `.git/commondir` that holds a single dot into the repository and seal it too, or seal `.git/` whole.",
    });
  }
}
