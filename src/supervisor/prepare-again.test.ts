/** What is remembered from one start to the next, and what is looked at again. */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Finding, isBlocking } from "../core/finding.ts";
import { checkPolicy } from "./check.ts";
import { MadeUpProject, policyText, workspacePolicy } from "./made-up.ts";
import { loadCached } from "./prepare.ts";

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

let project: MadeUpProject;
beforeEach(() => {
  project = new MadeUpProject();
  const idle = () => undefined;
  Object.assign(seen, { loads: 0, analyses: 0, builds: 0, meanwhile: idle, whileAnalysing: idle });
});
afterEach(() => project.remove());

test("a refusal is not remembered: it comes again when nothing was mended, and each time it was looked at", async () => {
  project.policy("    env: { PATH: '/usr/bin:tools' }");
  const first = await project.refusal();
  expect((await project.refusal()).message).toBe(first.message);
  expect(seen.analyses).toBe(2);
});

describe("a second start with nothing changed", () => {
  test("neither loads, nor analyses, nor reads the tree again", async () => {
    const first = await project.go();
    expect(seen).toMatchObject({ loads: 1, analyses: 1, builds: 1 });
    const second = await project.go();
    expect(seen).toMatchObject({ loads: 1, analyses: 1, builds: 1 });
    expect(second).toEqual(first);
  });

  test("of another agent's name or command is judged by the same policy", async () => {
    await project.go();
    const { plan } = await project.go({ agent: "bot", command: ["sh", "-c", "true"] });
    expect(plan.command).toEqual(["sh", "-c", "true"]);
    expect(seen.loads).toBe(1);
  });
});

describe("what has changed is looked at again:", () => {
  test("the policy", async () => {
    const first = await project.go();
    project.policy("    env: { TZ: UTC }");
    const second = await project.go();
    expect(seen.loads).toBe(2);
    expect(second.plan.environment).toMatchObject({ TZ: "UTC" });
    expect(second.policy.digest).not.toBe(first.policy.digest);
  });

  test("the tree", async () => {
    const first = await project.go();
    await new Promise((resolve) => setTimeout(resolve, 20));
    writeFileSync(project.at("bot/limits.txt"), "-6");
    const second = await project.go();
    expect(seen).toMatchObject({ loads: 1, analyses: 2, builds: 2 });
    expect(second.release.digest).not.toBe(first.release.digest);
    expect(readFileSync(join(second.release.tree, "limits.txt"), "utf8")).toBe("-6");
  });

  test("the directory that a symlink leads to, though the text is the same", async () => {
    for (const version of ["v1", "v2"]) {
      mkdirSync(project.at(version, "bot"), { recursive: true });
      writeFileSync(project.at(version, "bot/limits.txt"), version);
      writeFileSync(project.at(version, "hardline.yaml"), policyText());
    }
    symlinkSync("v1", project.at("current"));
    const policyFile = project.at("current/hardline.yaml");
    const shown = async (): Promise<string> => {
      const { release } = await project.go({ policyFile });
      return readFileSync(join(release.tree, "limits.txt"), "utf8");
    };
    expect(await shown()).toBe("v1");
    symlinkSync("v2", project.at("next"));
    renameSync(project.at("next"), project.at("current"));
    expect(await shown()).toBe("v2");
  });

  test("a policy that is written to while it is being read is not taken for the one before", async () => {
    const before = policyText();
    const after = policyText("    env: { TZ: UTC }");
    seen.meanwhile = () => writeFileSync(project.options.policyFile, after);
    const first = await loadCached(project.options.policyFile, project.options.stateDir);
    expect(first).toMatchObject({ kind: "ok", policy: { agents: { bot: { env: { TZ: "UTC" } } } } });
    seen.meanwhile = () => undefined;
    writeFileSync(project.options.policyFile, before);
    const second = await loadCached(project.options.policyFile, project.options.stateDir);
    expect(second.kind === "ok" && second.policy.agents["bot"]?.env).toEqual({});
  });

  test("the judgement of a policy that was overwritten meanwhile is not taken for the new one's", async () => {
    const hazardous = workspacePolicy("    env: { PATH: '/usr/bin:tools' }");
    writeFileSync(project.options.policyFile, workspacePolicy());
    // Between reading the one and judging it, the other is put in its place.
    await project.go({}, () => writeFileSync(project.options.policyFile, hazardous));
    expect(await project.refusal()).toMatchObject({ code: "hazards" });
  });

  test("what stands beside something sealed in a workspace", async () => {
    const workspace = workspacePolicy();
    writeFileSync(project.options.policyFile, workspace);
    await project.go();
    expect(project.locked).toEqual([project.at("bot")]);
    expect(seen.analyses).toBe(1);
    await project.go();
    expect(seen.analyses).toBe(1);
    writeFileSync(project.at("bot/new.txt"), "");
    await project.go();
    expect(seen.analyses).toBe(2);
  });
});

describe("what an agent has made in a mutable directory of a sealed root", () => {
  const inState = (name: string): string => project.at("bot/state", name);
  const verdict = async (): Promise<readonly Finding[]> => (await checkPolicy(project.options)).findings;
  beforeEach(() => mkdirSync(project.at("bot/state")));

  test("is seen at the next start, and `check` says the same of it", async () => {
    expect((await project.go()).findings).toEqual(await verdict());
    mkdirSync(inState(".git"));
    const analyses = seen.analyses;
    const { findings } = await project.go();
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
    writeFileSync(project.at("bot/limits.txt"), "-7");
    expect((await project.go()).findings.length).toBeGreaterThan(0);
    expect((await verdict()).filter(isBlocking)).toEqual([]);
  });

  test.each([
    ["a name", () => writeFileSync(inState("x"), "")],
    ["a name in its repository", () => mkdirSync(inState(".git/hooks"), { recursive: true })],
    ["a name in its packages", () => mkdirSync(inState("node_modules/x"), { recursive: true })],
    ["a link", () => symlinkSync("a", inState("link"))],
  ])("is looked at again: %s", async (_what, change) => {
    await project.go();
    await project.go();
    expect(seen.analyses).toBe(1);
    change();
    await project.go();
    expect(seen.analyses).toBe(2);
    await project.go();
    expect(seen.analyses).toBe(2);
  });

  test("is looked at again where a link there leads elsewhere, or a name is of another kind", async () => {
    symlinkSync("a", inState("link"));
    await project.go();
    rmSync(inState("link"));
    symlinkSync("b", inState("link"));
    await project.go();
    expect(seen.analyses).toBe(2);
    rmSync(inState("link"));
    mkdirSync(inState("link"));
    await project.go();
    expect(seen.analyses).toBe(3);
  });

  test("is looked at again however many names there are", async () => {
    for (let index = 0; index < 2100; index += 1) writeFileSync(inState(`${index}`), "");
    await project.go();
    await new Promise((resolve) => setTimeout(resolve, 20));
    renameSync(inState("7"), inState(".envrc"));
    expect((await project.go()).findings).toMatchObject([{ id: "runs-later" }]);
    expect(seen.analyses).toBe(2);
  });
});

test("a start that was refused for what stood in a workspace is free again when it has gone", async () => {
  const shape = workspacePolicy();
  writeFileSync(project.options.policyFile, shape);
  mkdirSync(project.at("bot/.git"));
  expect((await project.refusal()).message).toContain("git-hooks-mutable: ");
  rmSync(project.at("bot/.git"), { recursive: true });
  expect((await project.go()).findings.filter(isBlocking)).toEqual([]);
});

test("a path under `read:` that has come, gone, or become a link is looked at again", async () => {
  const shared = project.at("shared");
  project.policy(`    read: [${shared}]`);
  expect((await project.refusal()).message).toContain("read-missing: ");
  mkdirSync(shared);
  expect((await project.go()).findings).toEqual([]);
  renameSync(shared, project.at("elsewhere"));
  symlinkSync("elsewhere", shared);
  expect((await project.refusal()).message).toContain("symlink-in-path: ");
  rmSync(shared);
  expect((await project.refusal()).message).toContain("read-missing: ");
  expect(seen.analyses).toBe(4);
});

test("a judgement is not remembered when what it is about changed meanwhile", async () => {
  mkdirSync(project.at("bot/state"));
  seen.whileAnalysing = () => writeFileSync(project.at("bot/state/.envrc"), "");
  await project.go();
  seen.whileAnalysing = () => undefined;
  rmSync(project.at("bot/state/.envrc"));
  expect((await project.go()).findings).toEqual([]);
  expect(seen.analyses).toBe(2);
});
