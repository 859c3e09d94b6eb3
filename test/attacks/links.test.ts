/** F5 to F7: links that were planted before the start, by whoever could write there. */
import { existsSync, linkSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect } from "vitest";
import { SEALED_TEXT, type Shape } from "../support/lab.ts";
import { ALL_SHAPES, type Bench, describeSandbox } from "../support/matrix.ts";
import { snapshot } from "../support/truth.ts";

const NOT_STARTED = 125;
const WORKSPACES: readonly Shape[] = ["list", "map"];

/** A directory of the host's that a link leads to. Nothing in it may change, and nothing may be made in it. */
function victim({ lab }: Bench): string {
  lab.write("victim/limits.txt", "daily loss cap: -50\n");
  lab.write("victim/deep/rules.txt", "daily loss cap: -50\n");
  return join(lab.directory, "victim");
}

/** Puts a link in the place of `path`, starts, and puts back what was there. */
async function startWithLink(bench: Bench, path: string, to: string): Promise<void> {
  const { lab } = bench;
  const place = join(lab.project, path);
  const aside = join(lab.directory, "aside");
  const wasThere = existsSync(place);
  if (wasThere) renameSync(place, aside);
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(to, place);
  const before = snapshot(lab.directory, ["hl-state"]);
  try {
    const { status, stderr, stdout } = await lab.run(["/bin/sh", "-c", "echo started"]);
    expect(stderr).toContain(place);
    expect(stderr).toMatch(/symlink|symbolic link/);
    expect({ status, stdout: stdout.toString() }).toEqual({ status: NOT_STARTED, stdout: "" });
    expect(snapshot(lab.directory, ["hl-state"])).toEqual(before);
  } finally {
    rmSync(place);
    if (wasThere) renameSync(aside, place);
  }
}

describeSandbox("F5: a link in the place of a sealed name", WORKSPACES, (bench) => {
  bench.test("at the name: refused, and said which", async () => {
    await startWithLink(bench, "limits.txt", join(victim(bench), "limits.txt"));
  });
  bench.test("above the name: refused, and said which", async () => {
    await startWithLink(bench, "code/deep", join(victim(bench), "deep"));
    await startWithLink(bench, "code", victim(bench));
  });
  bench.test("in the place of a sealed directory: refused, and said which", async () => {
    await startWithLink(bench, "kept", victim(bench));
  });
  bench.test(
    "where a stand-in would go, also one that leads nowhere: refused, and nothing is made at its end",
    async () => {
      const nowhere = join(victim(bench), "made-by-hardline");
      await startWithLink(bench, "absent.txt", nowhere);
      await startWithLink(bench, "absent.d", nowhere);
      expect(existsSync(nowhere)).toBe(false);
    },
  );
  bench.test("beside the name: started, and nothing follows it", async () => {
    const { lab } = bench;
    const link = join(lab.project, "limits.link");
    symlinkSync(join(victim(bench), "limits.txt"), link);
    const { status, stdout } = await lab.run(["/bin/sh", "-c", "cat limits.txt; cat limits.link || echo broken"]);
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 0, stdout: `${SEALED_TEXT}broken\n` });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(lab.directory, "victim/limits.txt"), "utf8")).toContain("-50");
  });
  bench.test("without any link the same project starts", async () => {
    expect((await bench.lab.run(["/bin/true"])).status).toBe(0);
  });
});

describeSandbox("F5: a link in the place of the project or of a mutable directory", ALL_SHAPES, (bench) => {
  bench.test("the project itself: refused, and said which", async () => {
    const { lab } = bench;
    const aside = join(lab.directory, "real");
    renameSync(lab.project, aside);
    symlinkSync(aside, lab.project);
    try {
      const { status, stderr } = await lab.run(["/bin/true"]);
      expect(stderr).toContain(lab.project);
      expect(status).toBe(NOT_STARTED);
    } finally {
      rmSync(lab.project);
      renameSync(aside, lab.project);
    }
    expect((await lab.run(["/bin/true"])).status).toBe(0);
  });
  if (bench.shape !== "root") return;
  bench.test("a mutable directory: refused, and nothing is handed over at its end", async () => {
    await startWithLink(bench, "state", victim(bench));
  });
});

describeSandbox("F6: a link that one run plants for the next", WORKSPACES, (bench) => {
  bench.test("where the next run seals a name: refused, nothing is made at its end", async () => {
    const { lab } = bench;
    const target = victim(bench);
    const before = snapshot(target);
    const planted = await lab.run(["/bin/sh", "-c", `ln -s ${target} later && ln -s ${target}/new.txt soon.txt`]);
    expect(planted.status).toBe(0);
    for (const name of ["later/new.txt", "soon.txt"]) {
      // The control: the same new entry, in a place where no link was planted.
      for (const [path, started] of [
        [name, false],
        [`clean-${name}`, true],
      ] as const) {
        const sealed = bench.shape === "list" ? `[${path}]` : `{ "${path}": ./sources/limits.txt }`;
        const policy = join(lab.directory, "hardline.yaml");
        lab.write("hardline.yaml", readFileSync(policy, "utf8").replace(/^ {4}sealed:.*$/m, `    sealed: ${sealed}`));
        const { status, stderr } = await lab.run(["/bin/true"]);
        expect({ path, status }).toEqual({ path, status: started ? 0 : NOT_STARTED });
        if (!started) expect(stderr).toContain(join(lab.project, path.split("/")[0] ?? ""));
        expect(existsSync(join(lab.project, "clean-later"))).toBe(false);
      }
    }
    expect(snapshot(target)).toEqual(before);
  });
});

describeSandbox("F6: a link in a mutable directory, to something of the host's", ALL_SHAPES, (bench) => {
  bench.test("is not followed when the next start hands the directory over", async () => {
    const { lab } = bench;
    const target = victim(bench);
    const before = snapshot(target);
    const plant = `ln -s ${target} state/directory && ln -s ${target}/limits.txt state/file && mkdir state/own`;
    expect((await lab.run(["/bin/sh", "-c", plant])).status).toBe(0);
    // As if somebody else had put it there, so that there is something to hand over.
    symlinkSync(target, join(lab.state, "own/of-the-operator"));
    expect((await lab.run(["/bin/sh", "-c", "cat state/file || true"])).stdout.toString()).toBe("");
    expect(snapshot(target)).toEqual(before);
    expect(lstatSync(join(lab.state, "own/of-the-operator")).isSymbolicLink()).toBe(true);
  });
});

describe("F7: a hard link to a sealed file, made beforehand", () => {
  describeSandbox("F7: unaccepted", ["root", "list"], (bench) => {
    bench.test("is reported by name, and the agent is not started", async () => {
      const { lab } = bench;
      linkSync(lab.limits, join(lab.state, "alias.txt"));
      const { status, stderr } = await lab.run(["/bin/true"]);
      expect(status).toBe(NOT_STARTED);
      expect(stderr).toContain("hard-link");
      expect(stderr).toContain("limits.txt");
    });
  });
  const accepted = {
    agent: ["    accept:", "      - { id: hard-link, because: the test wants to see what happens then }"],
  };
  describeSandbox(
    "F7: accepted",
    ["root", "list"],
    (bench) => {
      bench.test("writing through it does not reach what runs", async () => {
        const { lab } = bench;
        linkSync(lab.limits, join(lab.state, "alias.txt"));
        const forge = "echo forged > state/alias.txt; cat state/alias.txt limits.txt";
        const { status, stdout, stderr } = await lab.run(["/bin/sh", "-c", forge]);
        if (bench.who === "root") {
          // What is handed over to the agent's uid must be a file of the agent's alone.
          expect({ status, stdout: stdout.toString() }).toEqual({ status: NOT_STARTED, stdout: "" });
          expect(stderr).toContain("alias.txt");
          expect(readFileSync(lab.limits, "utf8")).toBe(SEALED_TEXT);
          return;
        }
        expect({ status, stdout: stdout.toString() }).toEqual({ status: 0, stdout: `forged\n${SEALED_TEXT}` });
        // The control, and the reason why this has to be accepted by name: the source itself has changed.
        expect(readFileSync(lab.limits, "utf8")).toBe("forged\n");
      });
    },
    accepted,
  );
});
