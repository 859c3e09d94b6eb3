import { lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";

/** One name found below a directory of the host. */
export interface Entry {
  readonly path: string;
  readonly stats: Stats;
}

/**
 * Every name below a directory (and the directory itself), links not followed, at most `bound.left` of them: the count is
 * taken down, so that one bound can span several trees. `prune` keeps a directory's content out. What cannot be read is left
 * out: the agent cannot have more rights on it than who looks.
 */
export function* walk(
  top: string,
  bound: { left: number },
  prune: (path: string) => boolean = () => false,
): Generator<Entry> {
  const stack = [top];
  for (let path = stack.pop(); path !== undefined; path = stack.pop()) {
    if (bound.left-- <= 0) return;
    const stats = lookAt(path);
    if (stats === undefined) continue;
    yield { path, stats };
    if (!stats.isDirectory() || prune(path)) continue;
    try {
      for (const name of readdirSync(path)) stack.push(join(path, name));
    } catch {
      // Not ours to list: left out, see above.
    }
  }
}

/** `lstat`, or `undefined` where nothing is there or nobody is let in. */
export function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
