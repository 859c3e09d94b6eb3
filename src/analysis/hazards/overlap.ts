/** Places of one program that another program of the same policy may write, or that are named twice with two meanings. */
import { join } from "node:path";
import { mutablePlaces } from "../../policy/places.ts";
import type { Sandboxed } from "../../policy/types.ts";
import { type Inquiry, ofAgent } from "./inquiry.ts";
import { sandboxes } from "./sandboxes.ts";
import { isWithin, World } from "./world.ts";

export function checkOverlap(inquiry: Inquiry): void {
  for (const other of sandboxes(inquiry)) {
    for (const place of mutablePlaces(other)) {
      if (other !== inquiry.agent) {
        checkSealed(inquiry, other, place);
        checkMounts(inquiry, other, place);
        checkMutable(inquiry, other, place);
      }
      checkRead(inquiry, other, place);
    }
  }
}

/** Their mutable place reaches into what is sealed here, unless it is mutable here too. */
function checkSealed(inquiry: Inquiry, other: Sandboxed, place: string): void {
  const { agent, world, report } = inquiry;
  const theirs = new World(other);
  for (const sealed of sealedPlaces(agent)) {
    const meets = isWithin(place, sealed) ? !world.writable(place) : isWithin(sealed, place) && theirs.writable(sealed);
    if (!meets) continue;
    report.add("overlap-sealed", {
      at: ofAgent(inquiry, agent.shape.kind),
      message: `${other.name} may write ${place}, which overlaps what is sealed for ${agent.name} (${sealed})`,
    });
  }
}

/**
 * Names are sealed in a workspace by mounts, which are there in this sandbox only. In another one that may write the
 * directory they are plain names: whoever removes or renames one, or a directory above it, takes the mount away here.
 */
function checkMounts(inquiry: Inquiry, other: Sandboxed, place: string): void {
  const { agent, report } = inquiry;
  const { shape } = agent;
  if (shape.kind !== "workspace") return;
  const theirs = new World(other);
  for (const { path } of shape.sealed) {
    const mount = join(shape.workspace, path);
    if (!isWithin(mount, place) || !theirs.writable(mount)) continue;
    report.add("overlap-sealed", {
      at: ofAgent(inquiry, agent.shape.kind),
      message: `${other.name} may write ${place}, and so remove or replace ${mount} there, which is sealed for ${agent.name}`,
    });
  }
}

function checkMutable(inquiry: Inquiry, other: Sandboxed, place: string): void {
  const { agent, world, report } = inquiry;
  const theirs = new World(other);
  for (const mine of mutablePlaces(agent)) {
    const inner = isWithin(mine, place) ? mine : place;
    const meets = inner === mine ? theirs.writable(mine) : isWithin(place, mine) && world.writable(place);
    if (!meets) continue;
    report.add("overlap-mutable", {
      at: ofAgent(inquiry, agent.shape.kind === "workspace" ? "workspace" : "mutable"),
      message: `${agent.name} and ${other.name} may both write ${inner}, and so lend each other everything that either can open`,
    });
  }
}

function checkRead(inquiry: Inquiry, other: Sandboxed, place: string): void {
  const { agent, report } = inquiry;
  for (const [index, read] of agent.read.entries()) {
    if (!(isWithin(read, place) || isWithin(place, read))) continue;
    const at = ofAgent(inquiry, "read", index);
    if (other === agent) {
      report.add("read-mutable", {
        at,
        message: `${read} is under \`read:\`, and ${agent.name} itself may write ${place}`,
        fix: "Remove the entry: what is in the root or workspace is readable already.",
      });
    } else report.add("read-mutable", { at, message: `${read} is read live, and ${other.name} may write ${place}` });
  }
}

/** Host paths whose content is sealed for a program: where it is shown, and where it comes from. */
function sealedPlaces({ shape }: Sandboxed): string[] {
  if (shape.kind === "root") return [shape.root];
  return shape.sealed.map((entry) => entry.source ?? `${shape.workspace}/${entry.path}`);
}
