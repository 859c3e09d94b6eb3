/** Longest name that is compared; a longer one is not a typing error, and the comparison is quadratic. */
const MAX_COMPARED = 64;

/**
 * The candidate that `written` was probably meant to be, or `undefined` when none is near enough. Near means at most one
 * edit in three characters (insertion, deletion, substitution, or two neighbours exchanged), or the same letters in another
 * spelling (`red-lines`, `redLines` for `red_lines`). The nearest wins; among equals, the first in the given order.
 */
export function suggest(written: string, candidates: Iterable<string>): string | undefined {
  if (written.length === 0 || written.length > MAX_COMPARED) return undefined;
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (candidate === written || candidate.length > MAX_COMPARED) continue;
    const distance = plain(candidate) === plain(written) ? 0 : editDistance(written, candidate);
    const allowed = Math.max(1, Math.floor(Math.max(written.length, candidate.length) / 3));
    // A one-letter name is one edit away from every other one: that is no resemblance.
    if (distance > allowed || distance >= Math.min(written.length, candidate.length)) continue;
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `did you mean "x"?`, or the empty string. */
export function didYouMean(written: string, candidates: Iterable<string>): string {
  const found = suggest(written, candidates);
  return found === undefined ? "" : `did you mean "${found}"?`;
}

/** Optimal string alignment distance: the edits that turn `a` into `b`, each letter edited at most once. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, (beforePrevious[j - 2] ?? 0) + 1);
      }
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

function plain(name: string): string {
  return name.replaceAll(/[-_ ]/g, "").toLowerCase();
}
