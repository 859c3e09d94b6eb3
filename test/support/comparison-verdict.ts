/** What a row of the comparison is, and the one rule by which its cells are judged. */
import { type Answers, type AttackScript, readReport } from "./attack-program.ts";
import type { Ended, StartOptions } from "./hardline.ts";
import type { Lab, LabOptions } from "./lab.ts";

export type Run = (command: readonly string[], options?: Omit<StartOptions, "as">) => Promise<Ended>;

export interface Row {
  readonly id: string;
  readonly what: string;
  readonly attempt: (place: Place) => Promise<string>;
  readonly lab?: Partial<LabOptions>;
}

export interface Place {
  readonly lab: Lab;
  readonly run: Run;
}

/** Answers by which a kernel mechanism says no. EACCES and what is not in here can come from elsewhere: inconclusive. */
export const REFUSALS = [
  "EROFS",
  "EBUSY",
  "EPERM",
  "ENOSYS",
  "EXDEV",
  "EEXIST",
  "EAFNOSUPPORT",
  "SIGSYS",
  "ESRCH",
  "EBADF",
  "ENOKEY",
];
export const NOT_STARTED = 125;

export const unique = (words: Iterable<string>): string => [...new Set(words)].join(", ");

/** The verdict over the attempts that would each be a success of the attacker's. */
export function judge(answers: Answers, names: readonly string[], refusals: readonly string[] = REFUSALS): string {
  const succeeded = names.filter((name) => answers[name] === "ok" || answers[name] === "exit 0");
  if (succeeded.length > 0) return `broken (${unique(succeeded)})`;
  const answered = names.map((name) => answers[name] ?? "no answer");
  const doubtful = answered.filter((answer) => !refusals.includes(answer));
  return doubtful.length > 0 ? `inconclusive (${unique(doubtful)})` : `held (${unique(answered)})`;
}

export async function attack(
  { lab, run }: Place,
  script: AttackScript,
  options?: Omit<StartOptions, "as">,
): Promise<Answers> {
  const { status, stdout, stderr } = await run([lab.program(script)], options);
  if (status !== 0) throw new Error(`ended with ${status}: ${stderr.slice(0, 300)}`);
  return readReport(script.attempts, stdout).answers;
}

/** The names of its attempts, but for how children ended and what is named here. */
export const names = (script: AttackScript, except: readonly string[] = []): string[] =>
  script.attempts.map(({ name }) => name).filter((name) => !(except.includes(name) || name.endsWith(": child")));
