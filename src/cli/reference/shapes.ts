/** What each verb prints with `--json`. The reference is generated from this, and tests hold the verbs to it. */
import { z } from "zod";

const finding = z.strictObject({
  id: z.string().describe("stable name of the rule, as used under `accept`"),
  severity: z.enum(["error", "warning", "info"]).describe("an error that is not accepted keeps `run` from starting"),
  file: z.string().describe("absolute path of the file that line and column refer to"),
  line: z.int().describe("from 1"),
  column: z.int().describe("from 1, in UTF-16 code units"),
  message: z.string().describe("what is wrong"),
  fix: z.string().describe("what to change so that it goes away; never empty"),
  agent: z.string().optional().describe("the agent concerned, where it is one agent's"),
  accepted: z.string().optional().describe("the reason under `accept`, where it was accepted by name"),
});

const problem = z.strictObject({
  id: z.string().describe("stable name of the defect"),
  line: z.int().describe("from 1"),
  column: z.int().describe("from 1, in UTF-16 code units"),
  message: z.string().describe("what is wrong"),
  hint: z.string().describe("what to write instead; may be empty"),
  sourceLine: z.string().describe("the offending line"),
});

const assumption = z.strictObject({
  id: z.string().describe("stable name of the kind of assumption"),
  message: z.string().describe("what was assumed"),
});

const probe = z.strictObject({
  id: z.string().describe("stable name of the mechanism"),
  title: z.string().describe("the mechanism, in words"),
  status: z.enum(["ok", "warning", "failed"]).describe("`failed` makes `run` refuse to start"),
  detail: z.string().describe("what was tried and what came back"),
  remedy: z.string().describe("what to do about it; empty where there is nothing to do"),
});

const strings = z.array(z.string());

/** By verb. */
export const SHAPES = {
  init: z.strictObject({
    file: z.string().describe("absolute path of the policy file"),
    written: z.boolean().describe("false with --print"),
    policy: z.string().describe("the text of the policy"),
    assumptions: z.array(assumption).describe("what was taken for granted or left out"),
  }),
  doctor: z.strictObject({
    ok: z.boolean().describe("true where no probe failed"),
    probes: z.array(probe).describe("every mechanism that was tried"),
  }),
  check: z.strictObject({
    findings: z.array(finding).describe("everything that was found; empty where nothing was"),
  }),
  fmt: z.strictObject({
    file: z.string().describe("absolute path of the policy file"),
    changed: z
      .boolean()
      .describe("true where its text is not the canonical one (and was rewritten, without --check or --print)"),
    problems: z.array(problem).describe("why the file is not a valid policy; empty where it is"),
  }),
  plan: z
    .looseObject({
      agent: z.string().describe("the agent's name"),
      policyDigest: z.string().describe("`sha256:` and 64 hex digits over the meaning of the policy"),
      releaseDigest: z.string().describe("digest of the sealed content"),
      command: strings.describe("the agent's argv"),
      workingDirectory: z.string().describe("absolute"),
      environment: z.record(z.string(), z.string()).describe("the whole environment"),
      mounts: z.array(z.looseObject({})).describe("every mount, in order"),
      mutable: strings.describe("host directories that the agent can write and that outlast it"),
      limits: z.array(z.looseObject({})).describe("resource limits of each process"),
    })
    .describe("Further fields follow the mechanisms of the sandbox and may change with them; these stay."),
};

/** Printed, with exit status 1 (`run`: 125), where a verb could not do what it was asked. */
export const ERROR_SHAPE = z.strictObject({
  error: z.strictObject({
    code: z.string().describe("stable name of what went wrong"),
    message: z.string().describe("what went wrong, and where"),
    remedy: z.string().describe("what to do about it; may be empty"),
  }),
});
