import { type CST, isMap, isNode, isScalar, isSeq, type Node, type Pair, type YAMLMap } from "yaml";

/**
 * YAML's reader ties comments to values in three ways that move them away from what they are about, once keys are put in
 * order and printed anew. The functions here tie them as people mean them.
 */

/** Stands at the beginning of a comment that belongs behind its key. No policy has this character: loading refuses it. */
const BEHIND_KEY = "\u0001";

type Collection = CST.BlockMap | CST.BlockSequence;

/**
 * Comments after the last entry of a block belong to it only as far as they are indented like it; what is further left is
 * about the next entry of a block around it. (The reader moves them all or none.) Changes the tokens in place.
 */
export function outdentComments(token: CST.Token | undefined, parent?: Collection, index = 0): void {
  if (token === undefined) return;
  if (token.type === "document") {
    outdentComments(token.value);
    return;
  }
  if (token.type !== "block-map" && token.type !== "block-seq") return;
  // From the last entry backwards: entries without a value can be added behind those that are still to be seen.
  for (let at = token.items.length - 1; at >= 0; at--) outdentComments(token.items[at]?.value, token, at);
  const last = token.items.at(-1);
  if (
    last === undefined ||
    parent === undefined ||
    last.value !== undefined ||
    ("sep" in last && last.sep !== undefined)
  )
    return;
  const from = last.start.findIndex((piece) => piece.type === "comment" && piece.indent < token.indent);
  if (
    from <= 0 ||
    last.start.some((piece) => piece.type !== "comment" && piece.type !== "newline" && piece.type !== "space")
  ) {
    return;
  }
  const moved = last.start.splice(from);
  const next = parent.items[index + 1];
  if (next === undefined) parent.items.push({ start: moved });
  else next.start.unshift(...moved);
}

/** A comment above a map's first key is given to the map; it belongs to the key, and moves with it. */
export function giveFirstKeyItsComment(map: YAMLMap): void {
  const key = map.items[0]?.key;
  if (map.flow === true || !isScalar(key) || typeof map.commentBefore !== "string") return;
  const lines = map.commentBefore.split("\n");
  const behind = lines[0]?.startsWith(BEHIND_KEY) === true ? lines.shift() : undefined;
  const above = [...lines, ...(typeof key.commentBefore === "string" ? [key.commentBefore] : [])];
  key.commentBefore = above.length === 0 ? null : above.join("\n");
  map.commentBefore = behind ?? null;
}

/** Marks the comment behind a key whose value is a block (`allow: # …`), which the reader gives to the block. */
export function markCommentBehindKey(pair: Pair, text: string): void {
  const { key, value } = pair;
  if (!(isNode(key) && isBlock(value)) || typeof value.commentBefore !== "string") return;
  const end = key.range?.[1] ?? 0;
  if (/^[ \t]*:[ \t]+#/.test(text.slice(end, text.indexOf("\n", end))))
    value.commentBefore = BEHIND_KEY + value.commentBefore;
}

/** Puts marked comments behind their keys, in the printed text. */
export function placeCommentsBehindKeys(text: string): string {
  return text.replaceAll(new RegExp(`\\n *#${BEHIND_KEY}`, "g"), " #");
}

function isBlock(value: unknown): value is Node {
  return (isMap(value) || isSeq(value)) && value.flow !== true;
}
