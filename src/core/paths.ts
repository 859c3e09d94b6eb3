/** Absolute and relative POSIX paths as plain strings: no I/O here, nothing is resolved. */

/** Whether `path` is `place` or lies below it. Both absolute and normalised. */
export function isInside(path: string, place: string): boolean {
  return place === "/" || path === place || path.startsWith(`${place}/`);
}

/** A relative path below an absolute one; an empty one is the place itself. */
export function join(place: string, path: string): string {
  if (path === "") return place;
  return place === "/" ? `/${path}` : `${place}/${path}`;
}

/** The directories between a relative path and where it starts, outermost first: `a/b/c` gives `a`, `a/b`. */
export function parentsWithin(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}
