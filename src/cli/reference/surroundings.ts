/** What the manual page and the reference say besides the verbs. */

export const ENVIRONMENT: readonly (readonly [name: string, meaning: string])[] = [
  ["NO_COLOR", "When it is not empty, nothing is coloured."],
  ["XDG_STATE_HOME", "Where an ordinary user's state directory is made. Ignored for root."],
];

export const FILES: readonly (readonly [name: string, meaning: string])[] = [
  ["./hardline.yaml", "The policy, where --policy names no other."],
  ["~/.local/state/hardline", "The state of an ordinary user: sealed releases, caches, records."],
  ["/var/lib/hardline", "The state of root."],
];
