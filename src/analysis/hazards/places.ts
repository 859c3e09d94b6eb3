/** Whether the places that the policy names are there, are what they seem, and leave the policy itself out of reach. */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { SealedEntry } from "../../policy/types.ts";
import { type Inquiry, ofAgent } from "./inquiry.ts";
import { inPolicy, itemInPolicy, type Where } from "./report.ts";
import { lookAt } from "./tree.ts";
import { isWithin } from "./world.ts";

export function checkPlaces(inquiry: Inquiry, stateDir: string | undefined): void {
  const { agent, policy, report, world } = inquiry;
  const { shape } = agent;
  steadyPath(inquiry, world.base, ofAgent(inquiry, shape.kind), `\`${shape.kind}\``);
  if (shape.kind === "root") {
    for (const path of shape.mutable) {
      steadyPath(inquiry, join(shape.root, path), atMutable(inquiry, path), `mutable \`${path}\``);
    }
  } else {
    for (const entry of shape.sealed) checkSealedEntry(inquiry, entry);
  }
  for (const [index, path] of agent.read.entries()) {
    const at = ofAgent(inquiry, "read", index);
    // An agent that can write the link would choose what another one, or a later run, is shown of the host (F5).
    steadyPath(inquiry, path, at, `read \`${path}\``);
    if (realpath(path) === undefined) report.add("read-missing", { at, message: `${path} is not there` });
  }
  // The agent's /tmp is not the host's: what stands there on the host is out of its reach.
  if (world.place(policy.file) === "mutable") {
    report.add("policy-mutable", {
      at: inPolicy(policy),
      message: `the policy file ${policy.file} lies in a mutable place of ${agent.name}`,
      fix:
        shape.kind === "workspace"
          ? `Add \`${policy.file.slice(world.base.length + 1)}\` to \`sealed:\`, or move it out of the workspace.`
          : "Move the policy file out of the mutable directory.",
    });
  }
  if (stateDir !== undefined && (world.place(stateDir) === "mutable" || mutableBelow(inquiry, stateDir))) {
    report.add("state-mutable", {
      at: ofAgent(inquiry, shape.kind),
      message: `Hardline's state in ${stateDir} can be written by ${agent.name}`,
    });
  }
}

/** The position of a mutable path. */
export function atMutable(inquiry: Inquiry, path: string): Where {
  return itemInPolicy(inquiry.policy, ["agents", inquiry.agent.name, "mutable"], path);
}

/** The position of a sealed entry, which is written as a key of a map or as an item of a list. */
export function atSealed(inquiry: Inquiry, entry: SealedEntry): Where {
  return itemInPolicy(inquiry.policy, ["agents", inquiry.agent.name, "sealed"], entry.path);
}

function checkSealedEntry(inquiry: Inquiry, entry: SealedEntry): void {
  const { report, world } = inquiry;
  const at = atSealed(inquiry, entry);
  const path = join(world.base, entry.path);
  steadyPath(inquiry, path, at, `sealed \`${entry.path}\``);
  if (entry.source === undefined) return;
  if (realpath(entry.source) === undefined) {
    report.add("sealed-missing", {
      at,
      message: `${entry.source}, the source of sealed \`${entry.path}\`, is not there`,
    });
  } else {
    steadyPath(inquiry, entry.source, at, `the source of sealed \`${entry.path}\``);
    if (entry.source !== path && world.place(entry.source) === "mutable") {
      report.add("sealed-source-mutable", {
        at,
        message: `${entry.source}, the source of sealed \`${entry.path}\`, lies in the workspace, where the agent writes it`,
      });
    }
  }
}

/** Reports a place that is reached through a link, also through one that leads nowhere yet: it may by the next start. */
function steadyPath(inquiry: Inquiry, path: string, at: Where, what: string): void {
  for (let end = path.indexOf("/", 1); ; end = path.indexOf("/", end + 1)) {
    const ancestor = end === -1 ? path : path.slice(0, end);
    if (lookAt(ancestor)?.isSymbolicLink() === true) {
      const real = realpath(ancestor);
      const target = real === undefined ? undefined : real + path.slice(ancestor.length);
      inquiry.report.add("symlink-in-path", {
        at,
        message: `${what} (${path}) is reached through the symbolic link ${ancestor}${target === undefined ? ", which leads nowhere" : ` and really is ${target}`}`,
        fix: `${target === undefined ? "Remove the link" : `Write ${target}`}, or make ${ancestor} a real directory or file.`,
      });
      return;
    }
    if (end === -1) return;
  }
}

function mutableBelow(inquiry: Inquiry, directory: string): boolean {
  const { shape } = inquiry.agent;
  if (shape.kind === "workspace") return isWithin(shape.workspace, directory);
  return shape.mutable.some((path) => isWithin(join(shape.root, path), directory));
}

/** The path without links, or `undefined` where nothing is there, or a link leads nowhere. */
function realpath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
