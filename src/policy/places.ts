import { join } from "../core/paths.ts";
import type { Sandboxed } from "./types.ts";

/** The host directories that a program of the policy may write for good, absolute. */
export function mutablePlaces({ shape }: Pick<Sandboxed, "shape">): string[] {
  return shape.kind === "workspace" ? [shape.workspace] : shape.mutable.map((path) => join(shape.root, path));
}
