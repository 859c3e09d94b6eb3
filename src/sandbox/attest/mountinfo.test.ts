import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { locate, type MountEntry, parseMountinfo, visibleMounts } from "./mountinfo.ts";

function mount(id: string, parent: string, target: string, more: Partial<MountEntry> = {}): MountEntry {
  return { id, parent, target, device: `0:${id}`, root: "/", options: ["rw"], type: "tmpfs", ...more };
}

const seen = (entries: readonly MountEntry[]): string[] => visibleMounts(entries).map(({ id }) => id);

describe("a line of the mount table", () => {
  test("is read with and without optional fields", () => {
    const text = [
      "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue",
      "37 35 0:5 / /dev/pts rw,nosuid,noexec shared:2 master:7 - devpts devpts rw,mode=620",
      "38 35 0:6 / /x ro - tmpfs none rw",
      "",
    ].join("\n");
    expect(parseMountinfo(text)).toEqual([
      {
        id: "36",
        parent: "35",
        device: "98:0",
        root: "/mnt1",
        target: "/mnt2",
        options: ["rw", "noatime"],
        type: "ext3",
      },
      {
        id: "37",
        parent: "35",
        device: "0:5",
        root: "/",
        target: "/dev/pts",
        options: ["rw", "nosuid", "noexec"],
        type: "devpts",
      },
      { id: "38", parent: "35", device: "0:6", root: "/", target: "/x", options: ["ro"], type: "tmpfs" },
    ]);
  });

  // As a kernel wrote them for directories with a blank, a line break, a tab, a backslash and a letter beyond ASCII.
  test("gives back the path that was mounted", () => {
    const text = [
      "66 43 0:42 / /srv/ü\\040x rw,relatime - tmpfs deep rw",
      "69 43 0:45 / /srv/nl\\012x\\011\\134y#z rw,relatime - tmpfs nl rw",
      "70 43 8:1 /a\\040-\\040b /srv/a\\040-\\040b rw - ext4 /dev/sda1 rw",
      "71 43 8:1 /\\134040 /srv/\\134040 rw - ext4 /dev/sda1 rw",
    ].join("\n");
    expect(parseMountinfo(text).map(({ target }) => target)).toEqual([
      "/srv/ü x",
      "/srv/nl\nx\t\\y#z",
      "/srv/a - b",
      "/srv/\\040",
    ]);
  });

  test("that is none is an error, not a mount that is not there", () => {
    expect(() => parseMountinfo("36 35 98:0 /mnt1 /mnt2\n")).toThrow(
      'not a line of a mount table: "36 35 98:0 /mnt1 /mnt2"',
    );
    expect(() => parseMountinfo("garbage")).toThrow(RangeError);
  });

  test("survives every path that a file system can hold", () => {
    const path = fc
      .array(fc.string({ unit: "grapheme", minLength: 1 }), { minLength: 1, maxLength: 4 })
      .map((parts) => `/${parts.join("/").replaceAll("\0", "")}`)
      .filter((text) => text.isWellFormed());
    // The kernel's seq_path() with its set of escaped characters, blank, tab, line break and backslash.
    const written = (text: string): string =>
      text.replace(/[ \t\n\\]/g, (letter) => `\\${letter.charCodeAt(0).toString(8).padStart(3, "0")}`);
    fc.assert(
      fc.property(path, path, (root, target) => {
        const line = `1 0 8:1 ${written(root)} ${written(target)} rw shared:1 - ext4 /dev/sda1 rw`;
        expect(parseMountinfo(line)).toEqual([
          { id: "1", parent: "0", device: "8:1", root, target, options: ["rw"], type: "ext4" },
        ]);
      }),
    );
  });
});

describe("of mounts on one another, the one that can be seen", () => {
  const root = mount("1", "0", "/");

  test("is the last at one place", () => {
    const stack = [root, mount("2", "1", "/a"), mount("3", "2", "/a"), mount("4", "3", "/a")];
    expect(seen(stack)).toEqual(["1", "4"]);
  });

  test("is not what hangs in a covered one", () => {
    expect(seen([root, mount("2", "1", "/a"), mount("3", "2", "/a/b"), mount("4", "2", "/a")])).toEqual(["1", "4"]);
  });

  test("is what hangs in the one on top", () => {
    const stack = [root, mount("2", "1", "/a"), mount("3", "2", "/a"), mount("4", "3", "/a/b")];
    expect(seen(stack)).toEqual(["1", "3", "4"]);
  });

  test("is not what lies below a later mount of a directory above it", () => {
    const stack = [root, mount("2", "1", "/a/b/c"), mount("3", "1", "/a/b"), mount("4", "2", "/a/b/c/d")];
    expect(seen(stack)).toEqual(["1", "3"]);
  });

  test("is not a stack that lies below such a mount either", () => {
    const stack = [root, mount("2", "1", "/a/b"), mount("3", "2", "/a/b"), mount("4", "1", "/a")];
    expect(seen(stack)).toEqual(["1", "4"]);
  });

  test("is a neighbour whose name only begins alike", () => {
    expect(seen([root, mount("2", "1", "/ab"), mount("3", "1", "/a")])).toEqual(["1", "2", "3"]);
  });

  test("is what covers the root itself", () => {
    expect(seen([root, mount("2", "1", "/"), mount("3", "2", "/a"), mount("4", "1", "/b")])).toEqual(["2", "3"]);
  });

  // Two file systems at one place and one passed over, as a kernel showed them.
  test("agrees with a kernel's table", () => {
    const entries = parseMountinfo(
      [
        "43 1 254:0 / / rw,relatime - ext4 /dev/vda rw",
        "63 43 0:39 / /srv/gm/a rw,relatime - tmpfs one rw",
        "64 63 0:40 / /srv/gm/a/b rw,relatime - tmpfs inner rw",
        "65 63 0:41 / /srv/gm/a rw,relatime - tmpfs two rw",
        "66 43 0:42 / /srv/gm/ü\\040x rw,relatime - tmpfs deep rw",
        "67 66 0:43 / /srv/gm/ü\\040x/q/r rw,relatime - tmpfs hid rw",
        "68 66 0:44 / /srv/gm/ü\\040x/q rw,relatime - tmpfs over rw",
      ].join("\n"),
    );
    expect(seen(entries)).toEqual(["43", "65", "66", "68"]);
    const visible = visibleMounts(entries);
    expect(locate(visible, "/srv/gm/a/b")).toEqual({ device: "0:41", root: "/b" });
    expect(locate(visible, "/srv/gm/ü x/q/r")).toEqual({ device: "0:44", root: "/r" });
    expect(locate(visible, "/srv/gm/ü x/p")).toEqual({ device: "0:42", root: "/p" });
  });

  test("is answered for any table at all, also one whose parents run in a circle", () => {
    const id = fc.constantFrom("1", "2", "3", "4");
    const entry = fc.record({ id, parent: id, target: fc.constantFrom("/", "/a", "/a/b", "/c") });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), (rows) => {
        const entries = rows.map((row) => mount(row.id, row.parent, row.target));
        for (const one of visibleMounts(entries)) expect(entries).toContain(one);
      }),
    );
  });
});

describe("locate", () => {
  const table = [
    mount("1", "0", "/", { device: "8:1" }),
    mount("2", "1", "/home", { device: "8:2", root: "/@home" }),
    mount("3", "2", "/home/me/files", { device: "0:9" }),
  ];

  test.each([
    ["/usr/bin", "8:1", "/usr/bin"],
    ["/", "8:1", "/"],
    ["/home", "8:2", "/@home"],
    ["/home/me", "8:2", "/@home/me"],
    ["/homely", "8:1", "/homely"],
    ["/home/me/files", "0:9", "/"],
    ["/home/me/files/x y", "0:9", "/x y"],
  ])("%s", (path, device, root) => {
    expect(locate(table, path)).toEqual({ device, root });
  });

  test("refuses a path that nothing holds", () => {
    expect(() => locate([], "/a")).toThrow("no mount holds /a");
  });
});
