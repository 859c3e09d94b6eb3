import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findBubblewrap } from "./bubblewrap.ts";

let place: string;
let state: string;
let program: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "hardline-bubblewrap-"));
  state = join(place, "state/deep");
  program = join(place, "bwrap");
});
afterEach(() => rmSync(place, { recursive: true }));

/** A program that answers so, and notes that it was asked. */
function answers(text: string, status = 0, mode = 0o755): void {
  writeFileSync(program, `#!/bin/sh\necho asked >> ${place}/asked\nprintf '%s' '${text}'\nexit ${status}\n`);
  chmodSync(program, mode);
}
const find = (): unknown => findBubblewrap(state, [join(place, "none"), program]);
const timesAsked = (): number => {
  const file = join(place, "asked");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0;
};

describe("a version", () => {
  test.each(["0.8.0", "0.8.1", "0.9.0", "0.10.0", "0.11.2", "1.0.0", "0.100.7"])("%s is new enough", (version) => {
    answers(`bubblewrap ${version}\n`);
    expect(find()).toEqual({ path: program, version });
  });

  test.each(["0.7.9", "0.7.10", "0.4.1", "0.0.0"])("%s is too old", (version) => {
    answers(`bubblewrap ${version}\n`);
    expect(find).toThrow(`${program} is version ${version}; 0.8.0 or newer is needed`);
  });

  test.each(["", "bubblewrap\n", "bwrap 0.11.0\n", "bubblewrap 0.11\n", " bubblewrap 0.11.0\n", "bubblewrap x.y.z\n"])(
    "cannot be told from %j",
    (text) => {
      answers(text);
      expect(find).toThrow(`${program} --version did not answer as bubblewrap does`);
    },
  );

  test("of a program that fails is not believed", () => {
    answers("bubblewrap 0.11.0\n", 1);
    expect(find).toThrow(`${program} --version did not answer as bubblewrap does`);
  });

  test("is asked for once, and again when the program changes", () => {
    answers("bubblewrap 0.11.0\n");
    find();
    expect(find()).toEqual({ path: program, version: "0.11.0" });
    expect(timesAsked()).toBe(1);
    rmSync(program);
    answers("bubblewrap 0.12.0\n");
    expect(find()).toEqual({ path: program, version: "0.12.0" });
    expect(timesAsked()).toBe(2);
  });

  test("that is too old is remembered as too old", () => {
    answers("bubblewrap 0.5.0\n");
    expect(find).toThrow(/is version 0\.5\.0/);
    expect(find).toThrow(/is version 0\.5\.0/);
    expect(timesAsked()).toBe(1);
  });

  test("that was noted as nonsense is asked for again", () => {
    answers("bubblewrap 0.11.0\n");
    find();
    writeFileSync(join(state, "bubblewrap"), "garbage\n9.9.9\n");
    expect(find()).toEqual({ path: program, version: "0.11.0" });
    expect(timesAsked()).toBe(2);
  });
});

test("none is a refusal that says how to get it", () => {
  expect(find).toThrow(
    expect.objectContaining({
      code: "host-cannot",
      message: "bubblewrap (bwrap) is not installed",
      remedy: expect.stringContaining("apt-get install bubblewrap"),
    }),
  );
});

test("one that cannot be executed is none", () => {
  answers("bubblewrap 0.11.0\n", 0, 0o644);
  expect(find).toThrow("bubblewrap (bwrap) is not installed");
});

test("one that runs as root for everybody is refused", () => {
  answers("bubblewrap 0.11.0\n", 0, 0o4755);
  expect(find).toThrow(
    expect.objectContaining({
      message: `${program} is set-uid root, which Hardline does not use`,
      remedy: `Run: chmod u-s ${program}`,
    }),
  );
  expect(timesAsked()).toBe(0);
});

test("the first place that has one is asked, whatever PATH says", () => {
  answers("bubblewrap 0.11.0\n");
  const second = join(place, "second");
  writeFileSync(second, "#!/bin/sh\necho bubblewrap 0.12.0\n", { mode: 0o755 });
  expect(findBubblewrap(state, [program, second])).toMatchObject({ path: program });
  expect(findBubblewrap(state, [second, program])).toMatchObject({ path: second, version: "0.12.0" });
});
