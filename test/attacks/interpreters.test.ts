/** I1 to I3 and I6: a mutable file standing in for a sealed one, by the rules by which real interpreters look for files. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { start } from "../support/hardline.ts";
import { canBe, type Who } from "../support/identity.ts";
import {
  FORGED_LIMIT,
  INTERPRETER_ATTACKS,
  type InterpreterAttack,
  NODE_DIRECTORY,
  plantAndRun,
  SEALED_LIMIT,
} from "../support/interpreter-attacks.ts";
import { Lab, type Shape } from "../support/lab.ts";
import { snapshot } from "../support/truth.ts";

/** `file:line:column: hazard: …`, of the policy or of a program that it names. */
const REFUSED = /^hardline: \/\S+:\d+:\d+: ((python|node|shell)-[a-z-]+|not-followed): /m;

const WHO: readonly Who[] = ["root", "user"];

function labFor(attack: InterpreterAttack, shape: Shape, who: Who, sealed?: readonly string[]): Lab {
  const lab = new Lab({
    shape,
    who,
    run: attack.program,
    read: [NODE_DIRECTORY],
    ...(sealed === undefined ? {} : { sealed: JSON.stringify(sealed) }),
  });
  for (const [path, content] of Object.entries(attack.files)) lab.write(join("desk", path), content);
  return lab;
}

describe.each(INTERPRETER_ATTACKS)("$id: $what", (attack) => {
  describe.each(WHO)("as %s", (who) => {
    const possible = canBe(who) ? test : test.skipIf(true);
    const labs: Lab[] = [];
    const made = (lab: Lab): Lab => {
      labs.push(lab);
      return lab;
    };
    afterAll(() => {
      for (const lab of labs) lab.remove();
    });
    let plain: Lab;
    beforeAll(() => {
      if (canBe(who)) plain = made(labFor(attack, "root", who));
    });

    possible("the control: without Hardline the program obeys the planted file", async () => {
      const options = { as: plain.as, cwd: plain.project };
      expect((await start(attack.program, options).ended).stdout.toString()).toBe(`${SEALED_LIMIT}\n`);
      const { stdout, stderr } = await start(plantAndRun(attack), options).ended;
      expect(stdout.toString(), stderr).toBe(`${FORGED_LIMIT}\n`);
    });

    possible("in a sealed root nothing can be planted, and the program keeps its limit", async () => {
      const lab = made(labFor(attack, "root", who));
      expect((await lab.run([])).stdout.toString()).toBe(`${SEALED_LIMIT}\n`);
      const before = snapshot(lab.project, ["state"]);
      const { status, stdout, stderr } = await lab.run(plantAndRun(attack));
      expect({ status, stdout: stdout.toString() }).toEqual({ status: 0, stdout: `${SEALED_LIMIT}\n` });
      expect(stderr).toContain("Read-only file system");
      expect(snapshot(lab.project, ["state"])).toEqual(before);
      expect((await lab.run([])).stdout.toString()).toBe(`${SEALED_LIMIT}\n`);
    });

    possible("in a workspace with the files sealed one by one: closed by itself, or refused by name", async () => {
      const lab = made(labFor(attack, "list", who, Object.keys(attack.files)));
      const before = snapshot(lab.project, ["state"]);
      const { status, stdout, stderr } = await lab.run(plantAndRun(attack));
      if (status === 125) {
        // Before anything was started: the file, the line, the hazard's name, and what to do.
        expect(stderr).toMatch(REFUSED);
        expect(stdout.toString()).toBe("");
        expect(snapshot(lab.project, ["state"])).toEqual(before);
      } else {
        expect({ status, stdout: stdout.toString() }).toEqual({ status: 0, stdout: `${SEALED_LIMIT}\n` });
        expect((await lab.run([])).stdout.toString()).toBe(`${SEALED_LIMIT}\n`);
      }
    });

    possible("in a workspace with the program's directory sealed nothing can be planted", async () => {
      const program = attack.program.map((word) => (word in attack.files ? join("code", word) : word));
      const inside: InterpreterAttack = {
        ...attack,
        program,
        files: Object.fromEntries(Object.entries(attack.files).map(([path, content]) => [join("code", path), content])),
        plant: attack.plant.map((line) => `cd code && ${line}`),
      };
      const lab = made(labFor(inside, "list", who, ["code"]));
      // The agent may write all around: that is what a workspace is for.
      mkdirSync(join(lab.project, "code/state"), { recursive: true });
      const before = snapshot(join(lab.project, "code"));
      const { status, stdout, stderr } = await lab.run(plantAndRun(inside));
      if (status === 125) {
        // Some interpreters look further than the program's directory; then that is said.
        expect(stderr).toMatch(REFUSED);
      } else {
        expect({ status, stdout: stdout.toString() }).toEqual({ status: 0, stdout: `${SEALED_LIMIT}\n` });
        expect(stderr).toContain("Read-only file system");
      }
      expect(snapshot(join(lab.project, "code"))).toEqual(before);
    });
  });
});
