/** Files that a sealed program reads by a fixed name from a place that the agent can write. */
import { basename, relative } from "node:path";
import type { Inquiry } from "./inquiry.ts";
import type { Where } from "./report.ts";
import { isWithin } from "./world.ts";

/** Words in a name that say that what is in the file binds somebody. */
const BINDING: ReadonlySet<string> = new Set(
  (
    "limit limits cap caps policy policies risk guard guards guardrail guardrails threshold thresholds quota quotas " +
    "allowlist denylist whitelist blacklist permissions constraints killswitch"
  ).split(" "),
);
const GENERAL: ReadonlySet<string> = new Set(
  "config configuration conf cfg settings setting options params parameters rules rule env dotenv".split(" "),
);

/** Judges a file that a sealed program opens for reading. `path` is absolute, inside the sandbox. */
export function judgeData(inquiry: Inquiry, path: string, at: Where): void {
  const { world, report } = inquiry;
  if (!isWithin(path, world.base) && world.place(path) !== "read") return;
  const absent = world.kind(path) === "absent";
  if (!(absent ? world.forgeable(path, "file") : world.agentDecides(path))) return;
  const words = relative(world.base, path).split("/").flatMap(wordsOf);
  const binding = words.some((word) => BINDING.has(word));
  if (!(binding || words.some((word) => GENERAL.has(word)))) return;
  report.add(binding ? "limits-in-mutable" : "config-in-mutable", {
    at,
    message: `the sealed program reads ${path}, which the agent can ${absent ? "create" : "write"}`,
    fix: binding
      ? `Move ${basename(path)} out of the mutable place, or put what it limits under \`limits:\` in the policy.`
      : `Move what binds the agent out of ${basename(path)} into a sealed file.`,
  });
}

/** `dailyLimits-v2.json` is `daily`, `limits`, `v`, `json`. */
function wordsOf(segment: string): string[] {
  const words: string[] = [];
  let word = "";
  let lower = false;
  for (const character of segment) {
    const isLower = character >= "a" && character <= "z";
    const isUpper = character >= "A" && character <= "Z";
    if (!(isLower || isUpper) || (isUpper && lower)) {
      if (word !== "") words.push(word.toLowerCase());
      word = "";
    }
    if (isLower || isUpper) word += character;
    lower = isLower;
  }
  if (word !== "") words.push(word.toLowerCase());
  return words;
}
