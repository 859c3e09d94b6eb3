import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Policy } from "../policy/types.ts";
import { rootAgent } from "../sandbox/made-up.ts";
import { MadeUpProject } from "./made-up.ts";
import { chooseAgent } from "./prepare.ts";

let project: MadeUpProject;
beforeEach(() => {
  project = new MadeUpProject();
});
afterEach(() => project.remove());

describe("the agent", () => {
  const withAgents = (...names: readonly string[]): Policy =>
    ({
      file: "/srv/hardline.yaml",
      agents: Object.fromEntries(names.map((name) => [name, rootAgent("/srv", [], { name })])),
    }) as unknown as Policy;

  test("is the only one, or the one that was named", () => {
    expect(chooseAgent(withAgents("a"), undefined).name).toBe("a");
    expect(chooseAgent(withAgents("a"), "a").name).toBe("a");
    expect(chooseAgent(withAgents("a", "b"), "b").name).toBe("b");
  });

  test.each([
    [["a", "b"], undefined, "which-agent", "/srv/hardline.yaml has several agents: a, b", "Name one with --agent."],
    [[], undefined, "which-agent", "/srv/hardline.yaml has no agents", "Add one under agents:."],
    [["a", "b"], "c", "no-such-agent", "/srv/hardline.yaml has no agent c", "It has: a, b."],
    [["a"], "", "no-such-agent", "/srv/hardline.yaml has no agent ", "It has: a."],
    // Names that every object has are nobody's.
    [["a"], "constructor", "no-such-agent", "/srv/hardline.yaml has no agent constructor", "It has: a."],
    [["a"], "__proto__", "no-such-agent", "/srv/hardline.yaml has no agent __proto__", "It has: a."],
  ])("of %j is refused as %j", (names, name, code, message, remedy) => {
    expect(() => chooseAgent(withAgents(...names), name)).toThrow(expect.objectContaining({ code, message, remedy }));
  });
});

describe("nothing is planned", () => {
  test("without a policy", async () => {
    const policyFile = project.at("none.yaml");
    expect(await project.refusal({ policyFile })).toMatchObject({
      code: "policy",
      message: `there is no ${policyFile}`,
    });
  });

  test("from something that is no file", async () => {
    const error = await project.refusal({ policyFile: project.at("bot") });
    expect(error).toMatchObject({
      code: "policy",
      message: expect.stringContaining(`${project.at("bot")} cannot be read`),
    });
  });

  test("from a policy with an error, which is shown where it stands", async () => {
    project.policy("    mutabel: []");
    const error = await project.refusal();
    expect(error.code).toBe("policy");
    expect(error.message).toContain(`${project.options.policyFile}:7:5`);
    expect(error.message).toContain("mutable");
  });

  test("for an agent that the policy does not have", async () => {
    expect(await project.refusal({ agent: "trader" })).toMatchObject({ code: "no-such-agent" });
  });

  test.each([
    [["limits:", "  - { id: daily, on: { http: '* api.example/**' }, max: 5, per: 1m }"], "limits:"],
    [["    allow:", "      - http: GET api.example/v1"], "agents.bot.allow:"],
    [["alerts:", "  - webhook: https://alerts.example/hook"], "alerts:"],
  ])("while it says what nothing enforces yet: %j", async (lines, key) => {
    project.policy(...lines);
    const error = await project.refusal();
    expect(error.code).toBe("not-enforced");
    expect(error.message).toContain(key);
    expect(error.remedy).toContain("The agent was not started");
  });

  test("over a hazard that nobody has accepted, and what was accepted is no hindrance", async () => {
    project.policy("    env: { PATH: '/usr/bin:tools' }");
    const error = await project.refusal();
    expect(error.code).toBe("hazards");
    expect(error.message).toContain(`${project.options.policyFile}:7:`);
    expect(error.message).toContain("search-path-relative: ");
    project.policy(
      "    env: { PATH: '/usr/bin:tools' }",
      "    accept: [{ id: search-path-relative, because: it is a test }]",
    );
    const { findings } = await project.go();
    expect(findings).toContainEqual(expect.objectContaining({ id: "search-path-relative", accepted: "it is a test" }));
  });

  test("over a hazard whose name would write to the terminal", async () => {
    project.policy("    env: { PATH: '/usr/bin:to\\u009b2Jols' }".replace("'", '"').replace("' }", '" }'));
    const { message } = await project.refusal();
    expect(message).toContain("search-path-relative: ");
    expect(message).not.toContain("\u009b");
  });
});

test("a sealed root is not locked: it can run several times at once", async () => {
  await project.go();
  expect(project.locked).toEqual([]);
});

test("as root, the release and the agent have a uid of their own, the same at every start", async () => {
  const { plan, facts } = await project.go();
  const isRoot = process.getuid?.() === 0;
  expect(plan.identity.by).toBe(isRoot ? "own-uid" : "user-namespace");
  expect(facts.agentUid).toBe((await project.go()).facts.agentUid);
  if (isRoot) expect(plan.identity.uid).toBeGreaterThanOrEqual(0x7000_0000);
});
