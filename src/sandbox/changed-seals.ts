/**
 * After a mount was taken away from a running sandbox: which names of the workspace's own that were sealed stand there
 * otherwise now. Between the kernel's taking it away and the sandbox's end lie some microseconds in which the agent may have
 * written, and the next start would seal what it wrote.
 */
import { lstatSync, readFileSync } from "node:fs";
import { join } from "../core/paths.ts";
import type { Agent } from "../policy/types.ts";
import type { Release } from "./store/release.ts";

/** Absolute host paths. Names with a source of their own are not among them: what stands there is never sealed. */
export function changedSeals(agent: Agent, release: Release): string[] {
  const { shape } = agent;
  if (shape.kind === "root") return [];
  return shape.sealed.flatMap(({ path, source }) => {
    if (source !== undefined) return [];
    const place = join(shape.workspace, path);
    const overlay = release.overlays.find((candidate) => candidate.path === path);
    return overlay === undefined || isUnchanged(place, overlay) ? [] : [place];
  });
}

function isUnchanged(place: string, overlay: Release["overlays"][number]): boolean {
  try {
    const stats = lstatSync(place, { throwIfNoEntry: false });
    if (stats === undefined) return overlay.absent;
    if (overlay.kind === "directory") return stats.isDirectory() && !overlay.absent;
    return stats.isFile() && !overlay.absent && readFileSync(place).equals(readFileSync(overlay.source));
  } catch {
    return false; // What cannot be compared is to be looked at.
  }
}
