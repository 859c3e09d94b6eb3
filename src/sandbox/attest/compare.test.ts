import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareMounts, compareStatus, type ExpectedStatus, parseStatus } from "./compare.ts";
import type { ExpectedMount } from "./expected.ts";
import type { MountEntry } from "./mountinfo.ts";

const SEALED: ExpectedMount = {
  target: "/srv/bot",
  access: "ro",
  from: { device: "8:1", root: "/state/tree" },
  devices: false,
  optional: false,
};
const TMP: ExpectedMount = { target: "/tmp", access: "rw", type: "tmpfs", devices: false, optional: false };
const NULL_DEVICE: ExpectedMount = {
  target: "/dev/null",
  access: "rw",
  from: { device: "0:5", root: "/null" },
  devices: true,
  optional: false,
};
const COVER: ExpectedMount = { target: "/proc/sys", access: "ro", type: "proc", devices: false, optional: true };
const EXPECTED = [SEALED, TMP, NULL_DEVICE, COVER];

const SEEN: Readonly<Record<"sealed" | "tmp" | "nullDevice" | "cover", MountEntry>> = {
  sealed: row("/srv/bot", { device: "8:1", root: "/state/tree", options: ["ro", "nosuid", "nodev"], type: "ext4" }),
  tmp: row("/tmp", { options: ["rw", "nosuid", "nodev"] }),
  nullDevice: row("/dev/null", { device: "0:5", root: "/null", options: ["rw", "nosuid"], type: "devtmpfs" }),
  cover: row("/proc/sys", { options: ["ro", "nosuid", "nodev", "noexec"], type: "proc" }),
};

function row(target: string, more: Partial<MountEntry>): MountEntry {
  return { id: "1", parent: "0", device: "0:1", root: "/", target, options: [], type: "tmpfs", ...more };
}

/** What is said when the mounts are as expected but for these. */
function differences(changed: Partial<Record<keyof typeof SEEN, MountEntry | undefined>>): string[] {
  const seen = Object.values({ ...SEEN, ...changed }).filter((entry) => entry !== undefined);
  return compareMounts(EXPECTED, seen);
}

describe("mounts", () => {
  test("that are as planned differ in nothing", () => {
    expect(differences({})).toEqual([]);
    expect(differences({ cover: undefined })).toEqual([]);
  });

  test.each<[string, Parameters<typeof differences>[0], string]>([
    ["writable", { sealed: { ...SEEN.sealed, options: ["rw", "nosuid", "nodev"] } }, "/srv/bot is not read-only"],
    ["read-only", { tmp: { ...SEEN.tmp, options: ["ro", "nosuid", "nodev"] } }, "/tmp is not writable"],
    ["set-uid", { tmp: { ...SEEN.tmp, options: ["rw", "nodev"] } }, "/tmp honours set-uid files"],
    ["devices", { tmp: { ...SEEN.tmp, options: ["rw", "nosuid"] } }, "/tmp honours device nodes"],
    ["another type", { tmp: { ...SEEN.tmp, type: "ext4" } }, "/tmp is ext4 and not tmpfs"],
    [
      "another file system",
      { sealed: { ...SEEN.sealed, device: "8:2" } },
      "/srv/bot shows /state/tree of 8:2 and not /state/tree of 8:1",
    ],
    [
      "another directory",
      { sealed: { ...SEEN.sealed, root: "/home/tree" } },
      "/srv/bot shows /home/tree of 8:1 and not /state/tree of 8:1",
    ],
    [
      "another device",
      { nullDevice: { ...SEEN.nullDevice, root: "/zero" } },
      "/dev/null shows /zero of 0:5 and not /null of 0:5",
    ],
    [
      "a writable cover",
      { cover: { ...SEEN.cover, options: ["rw", "nosuid", "nodev"] } },
      "/proc/sys is not read-only",
    ],
    ["absent", { sealed: undefined }, "/srv/bot is planned and not mounted"],
  ])("with one thing changed: %s", (_, changed, sentence) => {
    expect(differences(changed)).toEqual([sentence]);
  });

  test("that nobody planned are named", () => {
    const seen = [...Object.values(SEEN), row("/srv/bot/limits.txt", {})];
    expect(compareMounts(EXPECTED, seen)).toEqual(["/srv/bot/limits.txt is mounted and not planned"]);
  });

  test("on top of a planned one are named, whatever they are", () => {
    expect(compareMounts(EXPECTED, [...Object.values(SEEN), SEEN.sealed])).toEqual(["/srv/bot is mounted twice"]);
  });

  test("that are planned twice are named", () => {
    expect(compareMounts([...EXPECTED, TMP], Object.values(SEEN))).toEqual(["/tmp is planned twice"]);
  });

  test("say nothing only where each is there once, as planned", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...Object.values(SEEN)), { maxLength: 6 }), (seen) => {
        const targets = seen.map(({ target }) => target);
        const whole = EXPECTED.every(({ target, optional }) => optional || targets.includes(target));
        expect(compareMounts(EXPECTED, seen).length === 0).toBe(whole && new Set(targets).size === targets.length);
      }),
    );
  });
});

describe("status", () => {
  const WANTED: ExpectedStatus = { uid: 1000, gid: 1001, inheritedFilters: 2, depth: 3 };
  const FIELDS: Readonly<Record<string, string>> = {
    Uid: "1000\t1000\t1000\t1000",
    Gid: "1001\t1001\t1001\t1001",
    NSpid: "70\t60\t50\t1",
    CapInh: "0000000000000000",
    CapPrm: "0000000000000000",
    CapEff: "0000000000000000",
    CapBnd: "0000000000000000",
    CapAmb: "0000000000000000",
    NoNewPrivs: "1",
    Seccomp: "2",
    Seccomp_filters: "3",
  };

  test("as planned differs in nothing", () => {
    expect(compareStatus(new Map(Object.entries(FIELDS)), WANTED)).toEqual([]);
  });

  test.each([
    ["Uid", "0\t0\t0\t0", "Uid is 0 0 0 0 and not 1000 1000 1000 1000"],
    ["Uid", "1000\t1000\t0\t1000", "Uid is 1000 1000 0 1000 and not 1000 1000 1000 1000"],
    ["Gid", "1001\t1001\t1001\t0", "Gid is 1001 1001 1001 0 and not 1001 1001 1001 1001"],
    ["CapInh", "0000000000000001", "CapInh is 0000000000000001 and not 0000000000000000"],
    ["CapPrm", "000001ffffffffff", "CapPrm is 000001ffffffffff and not 0000000000000000"],
    ["CapEff", "0000000000200000", "CapEff is 0000000000200000 and not 0000000000000000"],
    ["CapBnd", "0000000000000400", "CapBnd is 0000000000000400 and not 0000000000000000"],
    ["CapAmb", "0000000000000400", "CapAmb is 0000000000000400 and not 0000000000000000"],
    ["NoNewPrivs", "0", "NoNewPrivs is 0 and not 1"],
    ["Seccomp", "0", "Seccomp is 0 and not 2"],
    ["Seccomp", "1", "Seccomp is 1 and not 2"],
    ["Seccomp_filters", "2", "Seccomp_filters is 2 and not 3"],
    ["NSpid", "70\t60\t50", "the gate is not process 1 of a namespace of its own (NSpid 70 60 50)"],
    ["NSpid", "70\t60\t50\t2", "the gate is not process 1 of a namespace of its own (NSpid 70 60 50 2)"],
    ["NSpid", "70\t60\t50\t7\t1", "the gate is not process 1 of a namespace of its own (NSpid 70 60 50 7 1)"],
  ])("with another %s", (name, value, sentence) => {
    expect(compareStatus(new Map(Object.entries({ ...FIELDS, [name]: value })), WANTED)).toEqual([sentence]);
  });

  test.each(Object.keys(FIELDS))("without %s", (name) => {
    const fields = new Map(Object.entries(FIELDS));
    fields.delete(name);
    const said = compareStatus(fields, WANTED);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(name === "NSpid" ? /NSpid \)$/ : `${name} is not shown and not `);
  });

  test("is read by name, values with colons and tabs as they are", () => {
    const text = "Name:\ta: b\nUid:\t1\t2\t3\t4\nno colon here\nEmpty:\n";
    expect([...parseStatus(text)]).toEqual([
      ["Name", "a: b"],
      ["Uid", "1\t2\t3\t4"],
      ["Empty", ""],
    ]);
  });
});
