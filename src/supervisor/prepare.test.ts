import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Finding, isBlocking } from "../core/finding.ts";
import type { Policy } from "../policy/types.ts";
import { rootAgent } from "../sandbox/made-up.ts";
import { checkPolicy } from "./check.ts";
import { SupervisorError } from "./errors.ts";
import { chooseAgent, loadCached, type Prepared, type PrepareOptions, prepare } from "./prepare.ts";

/** What is loaded only where it is needed: how often each was, and what happens while a policy is loaded. */
const seen = vi.hoisted(() => {
  // As the build does it: from the sources nothing is remembered.
  Object.assign(globalThis, { HARDLINE_BUILD_ID: "0123456789abcdef" });
  return {
    loads: 0,
    analyses: 0,
    builds: 0,
    meanwhile: () => undefined as unknown,
    whileAnalysing: () => undefined as unknown,
  };
});
vi.mock("../policy/load.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../policy/load.ts")>();
  return {
    ...original,
    loadPolicy: (file: string) => {
      seen.loads += 1;
      seen.meanwhile();
      return original.loadPolicy(file);
    },
  };
});
vi.mock("../analysis/hazards/find.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../analysis/hazards/find.ts")>();
  const findHazards: typeof original.findHazards = (...given) => {
    seen.analyses += 1;
    seen.whileAnalysing();
    return original.findHazards(...given);
  };
  return { ...original, findHazards };
});
vi.mock("../sandbox/store/build.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../sandbox/store/build.ts")>();
  const buildRelease: typeof original.buildRelease = (options) => {
    seen.builds += 1;
    return original.buildRelease(options);
  };
  return { ...original, buildRelease };
});

let place: string;
let options: PrepareOptions;
beforeEach(() => {
  place = realpathSync(mkdtempSync("/var/tmp/hardline-prepare-"));
  chmodSync(place, 0o755);
  options = { policyFile: join(place, "hardline.yaml"), stateDir: join(place, "hl") };
  mkdirSync(join(place, "bot"));
  writeFileSync(join(place, "bot/limits.txt"), "-5");
  policy();
  Object.assign(seen, { loads: 0, analyses: 0, builds: 0, meanwhile: () => undefined });
});
afterEach(() => rmSync(place, { recursive: true }));

function policy(...more: readonly string[]): void {
  writeFileSync(options.policyFile, text(...more));
}
function text(...more: readonly string[]): string {
  const lines = ["version: 1", "agents:", "  bot:", "    run: [/bin/true]", "    root: ./bot", "    mutable: [state]"];
  return `${[...lines, ...more].join("\n")}\n`;
}
const locked: string[] = [];
function go(more: Partial<PrepareOptions> = {}, atLock: () => void = () => undefined): Promise<Prepared> {
  locked.length = 0;
  return prepare(
    { ...options, ...more },
    {
      run: "r1",
      grants: {},
      progress: () => undefined,
      lock: (workspace) => {
        locked.push(workspace);
        atLock();
        return Promise.resolve();
      },
    },
  );
}
async function refusal(more: Partial<PrepareOptions> = {}): Promise<SupervisorError> {
  const error: unknown = await go(more).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SupervisorError);
  return error as SupervisorError;
}

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
    const policyFile = join(place, "none.yaml");
    expect(await refusal({ policyFile })).toMatchObject({ code: "policy", message: `there is no ${policyFile}` });
  });

  test("from something that is no file", async () => {
    const error = await refusal({ policyFile: join(place, "bot") });
    expect(error).toMatchObject({
      code: "policy",
      message: expect.stringContaining(`${join(place, "bot")} cannot be read`),
    });
  });

  test("from a policy with an error, which is shown where it stands", async () => {
    policy("    mutabel: []");
    const error = await refusal();
    expect(error.code).toBe("policy");
    expect(error.message).toContain(`${options.policyFile}:7:5`);
    expect(error.message).toContain("mutable");
  });

  test("for an agent that the policy does not have", async () => {
    expect(await refusal({ agent: "trader" })).toMatchObject({ code: "no-such-agent" });
  });

  test.each([
    [["limits:", "  - { id: daily, on: { http: '* api.example/**' }, max: 5, per: 1m }"], "limits:"],
    [["    allow:", "      - http: GET api.example/v1"], "agents.bot.allow:"],
    [["alerts:", "  - webhook: https://alerts.example/hook"], "alerts:"],
  ])("while it says what nothing enforces yet: %j", async (lines, key) => {
    policy(...lines);
    const error = await refusal();
    expect(error.code).toBe("not-enforced");
    expect(error.message).toContain(key);
    expect(error.remedy).toContain("The agent was not started");
  });

  test("over a hazard that nobody has accepted, and what was accepted is no hindrance", async () => {
    policy("    env: { PATH: '/usr/bin:tools' }");
    const error = await refusal();
    expect(error.code).toBe("hazards");
    expect(error.message).toContain(`${options.policyFile}:7:`);
    expect(error.message).toContain("search-path-relative: ");
    policy("    env: { PATH: '/usr/bin:tools' }", "    accept: [{ id: search-path-relative, because: it is a test }]");
    const { findings } = await go();
    expect(findings).toContainEqual(expect.objectContaining({ id: "search-path-relative", accepted: "it is a test" }));
  });

  test("again and again, when nothing was mended; each time it is looked at, as it may have been", async () => {
    policy("    env: { PATH: '/usr/bin:tools' }");
    const first = await refusal();
    expect((await refusal()).message).toBe(first.message);
    expect(seen.analyses).toBe(2);
  });

  test("over a hazard whose name would write to the terminal", async () => {
    policy("    env: { PATH: '/usr/bin:to\\u009b2Jols' }".replace("'", '"').replace("' }", '" }'));
    const { message } = await refusal();
    expect(message).toContain("search-path-relative: ");
    expect(message).not.toContain("\u009b");
  });
});

describe("a second start with nothing changed", () => {
  test("neither loads, nor analyses, nor reads the tree again", async () => {
    const first = await go();
    expect(seen).toMatchObject({ loads: 1, analyses: 1, builds: 1 });
    const second = await go();
    expect(seen).toMatchObject({ loads: 1, analyses: 1, builds: 1 });
    expect(second).toEqual(first);
  });

  test("of another agent's name or command is judged by the same policy", async () => {
    await go();
    const { plan } = await go({ agent: "bot", command: ["sh", "-c", "true"] });
    expect(plan.command).toEqual(["sh", "-c", "true"]);
    expect(seen.loads).toBe(1);
  });
});

describe("what has changed is looked at again:", () => {
  test("the policy", async () => {
    const first = await go();
    policy("    env: { TZ: UTC }");
    const second = await go();
    expect(seen.loads).toBe(2);
    expect(second.plan.environment).toMatchObject({ TZ: "UTC" });
    expect(second.policy.digest).not.toBe(first.policy.digest);
  });

  test("the tree", async () => {
    const first = await go();
    await new Promise((resolve) => setTimeout(resolve, 20));
    writeFileSync(join(place, "bot/limits.txt"), "-6");
    const second = await go();
    expect(seen).toMatchObject({ loads: 1, analyses: 2, builds: 2 });
    expect(second.release.digest).not.toBe(first.release.digest);
    expect(readFileSync(join(second.release.tree, "limits.txt"), "utf8")).toBe("-6");
  });

  test("the directory that a symlink leads to, though the text is the same", async () => {
    for (const version of ["v1", "v2"]) {
      mkdirSync(join(place, version, "bot"), { recursive: true });
      writeFileSync(join(place, version, "bot/limits.txt"), version);
      writeFileSync(join(place, version, "hardline.yaml"), text());
    }
    symlinkSync("v1", join(place, "current"));
    const policyFile = join(place, "current/hardline.yaml");
    const shown = async (): Promise<string> => {
      const { release } = await go({ policyFile });
      return readFileSync(join(release.tree, "limits.txt"), "utf8");
    };
    expect(await shown()).toBe("v1");
    symlinkSync("v2", join(place, "next"));
    renameSync(join(place, "next"), join(place, "current"));
    expect(await shown()).toBe("v2");
  });

  test("a policy that is written to while it is being read is not taken for the one before", async () => {
    const before = text();
    const after = text("    env: { TZ: UTC }");
    seen.meanwhile = () => writeFileSync(options.policyFile, after);
    const first = await loadCached(options.policyFile, options.stateDir);
    expect(first).toMatchObject({ kind: "ok", policy: { agents: { bot: { env: { TZ: "UTC" } } } } });
    seen.meanwhile = () => undefined;
    writeFileSync(options.policyFile, before);
    const second = await loadCached(options.policyFile, options.stateDir);
    expect(second.kind === "ok" && second.policy.agents["bot"]?.env).toEqual({});
  });

  test("the judgement of a policy that was overwritten meanwhile is not taken for the new one's", async () => {
    const inWorkspace = (...more: readonly string[]): string =>
      text(...more)
        .replace("root: ./bot", "workspace: ./bot")
        .replace("mutable: [state]", "sealed: [limits.txt]");
    const hazardous = inWorkspace("    env: { PATH: '/usr/bin:tools' }");
    writeFileSync(options.policyFile, inWorkspace());
    // Between reading the one and judging it, the other is put in its place.
    await go({}, () => writeFileSync(options.policyFile, hazardous));
    expect(await refusal()).toMatchObject({ code: "hazards" });
  });

  test("what stands beside something sealed in a workspace", async () => {
    const workspace = text()
      .replace("root: ./bot", "workspace: ./bot")
      .replace("mutable: [state]", "sealed: [limits.txt]");
    writeFileSync(options.policyFile, workspace);
    await go();
    expect(locked).toEqual([join(place, "bot")]);
    expect(seen.analyses).toBe(1);
    await go();
    expect(seen.analyses).toBe(1);
    writeFileSync(join(place, "bot/new.txt"), "");
    await go();
    expect(seen.analyses).toBe(2);
  });
});

describe("what an agent has made in a mutable directory of a sealed root", () => {
  const inState = (name: string): string => join(place, "bot/state", name);
  const verdict = async (): Promise<readonly Finding[]> => (await checkPolicy(options)).findings;
  beforeEach(() => mkdirSync(join(place, "bot/state")));

  test("is seen at the next start, and `check` says the same of it", async () => {
    expect((await go()).findings).toEqual(await verdict());
    mkdirSync(inState(".git"));
    const analyses = seen.analyses;
    const { findings } = await go();
    expect(seen.analyses).toBe(analyses + 1);
    expect(findings).toMatchObject([{ id: "git-hooks-mutable", severity: "warning" }]);
    expect(await verdict()).toEqual(findings);
  });

  test("ends no later start, also not the first one with other sealed content", async () => {
    mkdirSync(inState(".git"));
    writeFileSync(inState("HEAD"), "ref: refs/heads/main");
    mkdirSync(inState("objects"));
    writeFileSync(inState(".envrc"), "");
    symlinkSync("/nowhere", inState("link"));
    writeFileSync(join(place, "bot/limits.txt"), "-7");
    expect((await go()).findings.length).toBeGreaterThan(0);
    expect((await verdict()).filter(isBlocking)).toEqual([]);
  });

  test.each([
    ["a name", () => writeFileSync(inState("x"), "")],
    ["a name in its repository", () => mkdirSync(inState(".git/hooks"), { recursive: true })],
    ["a name in its packages", () => mkdirSync(inState("node_modules/x"), { recursive: true })],
    ["a link", () => symlinkSync("a", inState("link"))],
  ])("is looked at again: %s", async (_what, change) => {
    await go();
    await go();
    expect(seen.analyses).toBe(1);
    change();
    await go();
    expect(seen.analyses).toBe(2);
    await go();
    expect(seen.analyses).toBe(2);
  });

  test("is looked at again where a link there leads elsewhere, or a name is of another kind", async () => {
    symlinkSync("a", inState("link"));
    await go();
    rmSync(inState("link"));
    symlinkSync("b", inState("link"));
    await go();
    expect(seen.analyses).toBe(2);
    rmSync(inState("link"));
    mkdirSync(inState("link"));
    await go();
    expect(seen.analyses).toBe(3);
  });

  test("is looked at again however many names there are", async () => {
    for (let index = 0; index < 2100; index += 1) writeFileSync(inState(`${index}`), "");
    await go();
    await new Promise((resolve) => setTimeout(resolve, 20));
    renameSync(inState("7"), inState(".envrc"));
    expect((await go()).findings).toMatchObject([{ id: "runs-later" }]);
    expect(seen.analyses).toBe(2);
  });
});

test("a start that was refused for what stood in a workspace is free again when it has gone", async () => {
  const shape = text().replace("root: ./bot", "workspace: ./bot").replace("mutable: [state]", "sealed: [limits.txt]");
  writeFileSync(options.policyFile, shape);
  mkdirSync(join(place, "bot/.git"));
  expect((await refusal()).message).toContain("git-hooks-mutable: ");
  rmSync(join(place, "bot/.git"), { recursive: true });
  expect((await go()).findings.filter(isBlocking)).toEqual([]);
});

test("a path under `read:` that has come, gone, or become a link is looked at again", async () => {
  const shared = join(place, "shared");
  policy(`    read: [${shared}]`);
  expect((await refusal()).message).toContain("read-missing: ");
  mkdirSync(shared);
  expect((await go()).findings).toEqual([]);
  renameSync(shared, join(place, "elsewhere"));
  symlinkSync("elsewhere", shared);
  expect((await refusal()).message).toContain("symlink-in-path: ");
  rmSync(shared);
  expect((await refusal()).message).toContain("read-missing: ");
  expect(seen.analyses).toBe(4);
});

test("a judgement is not remembered when what it is about changed meanwhile", async () => {
  mkdirSync(join(place, "bot/state"));
  seen.whileAnalysing = () => writeFileSync(join(place, "bot/state/.envrc"), "");
  await go();
  seen.whileAnalysing = () => undefined;
  rmSync(join(place, "bot/state/.envrc"));
  expect((await go()).findings).toEqual([]);
  expect(seen.analyses).toBe(2);
});

test("a sealed root is not locked: it can run several times at once", async () => {
  await go();
  expect(locked).toEqual([]);
});

test("as root, the release and the agent have a uid of their own, the same at every start", async () => {
  const { plan, facts } = await go();
  const isRoot = process.getuid?.() === 0;
  expect(plan.identity.by).toBe(isRoot ? "own-uid" : "user-namespace");
  expect(facts.agentUid).toBe((await go()).facts.agentUid);
  if (isRoot) expect(plan.identity.uid).toBeGreaterThanOrEqual(0x7000_0000);
});
