import { describe, expect, test } from "vitest";
import type { Mount } from "../mounts.ts";
import { type ExpectedMount, expectedMounts } from "./expected.ts";
import type { MountEntry } from "./mountinfo.ts";

function on(target: string, device: string, root = "/", options: readonly string[] = ["rw"]): MountEntry {
  return { id: target, parent: "1", device, root, target, options, type: "ext4" };
}

const HOST = [
  on("/", "8:1"),
  on("/dev", "0:5"),
  on("/srv/big data", "8:9", "/@big"),
  on("/srv/big data/inner", "8:10"),
  on("/srv/big data/frozen", "8:11", "/", ["ro", "nosuid"]),
];

function bind(access: "sealed" | "mutable", source: string, target: string): Mount {
  return { kind: "bind", access, source, target, of: "directory", role: "test" };
}

function targets(mounts: readonly Mount[], terminal = false): ExpectedMount[] {
  return expectedMounts(mounts, HOST, terminal);
}

describe("a bind", () => {
  test("shows its source's place in its file system", () => {
    expect(targets([bind("sealed", "/usr", "/usr")])).toContainEqual({
      target: "/usr",
      access: "ro",
      from: { device: "8:1", root: "/usr" },
      devices: false,
      optional: false,
    });
  });

  test("brings along what is mounted below its source, under its own path", () => {
    expect(targets([bind("mutable", "/srv/big data", "/data")]).slice(1)).toEqual([
      { target: "/data", access: "rw", from: { device: "8:9", root: "/@big" }, devices: false, optional: false },
      { target: "/data/inner", access: "rw", from: { device: "8:10", root: "/" }, devices: false, optional: false },
      { target: "/data/frozen", access: "ro", from: { device: "8:11", root: "/" }, devices: false, optional: false },
    ]);
  });

  test("that is sealed seals what it brings along", () => {
    const brought = targets([bind("sealed", "/srv/big data", "/data")]).slice(1);
    expect(brought.map(({ access }) => access)).toEqual(["ro", "ro", "ro"]);
  });

  test("of a neighbour brings nothing along", () => {
    expect(targets([bind("sealed", "/srv/big", "/data")])).toHaveLength(2);
  });
});

test("a file system of the sandbox's own is closed where the plan closes it", () => {
  const mounts: Mount[] = [
    { kind: "tmpfs", target: "/tmp", mode: "1777", size: 1 },
    { kind: "tmpfs", target: "/tmp/desk", mode: "0755", size: 1 },
    { kind: "remount-read-only", target: "/tmp/desk" },
    { kind: "remount-read-only", target: "/" },
  ];
  expect(targets(mounts)).toEqual([
    { target: "/", type: "tmpfs", access: "ro", devices: false, optional: false },
    { target: "/tmp", type: "tmpfs", access: "rw", devices: false, optional: false },
    { target: "/tmp/desk", type: "tmpfs", access: "ro", devices: false, optional: false },
  ]);
});

test("what is no mount is expected nowhere", () => {
  const mounts: Mount[] = [
    { kind: "symlink", target: "/bin", to: "usr/bin" },
    { kind: "directory", target: "/tmp/home", mode: "0700" },
  ];
  expect(targets(mounts).map(({ target }) => target)).toEqual(["/"]);
});

test("bubblewrap may cover what is dangerous in /proc, and then for reading only", () => {
  const [, proc, ...covers] = targets([{ kind: "proc", target: "/proc" }]);
  expect(proc).toEqual({ target: "/proc", type: "proc", access: "rw", devices: false, optional: false });
  expect(covers.map(({ target }) => target)).toEqual(["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"]);
  expect(covers.every(({ optional, access }) => optional && access === "ro")).toBe(true);
});

test.each([
  [false, []],
  [true, [{ target: "/dev/console", access: "rw", devices: true, optional: true }]],
])("device nodes work in /dev alone, the terminal's where there is one: %s", (terminal, console) => {
  const mounts = targets(
    [
      { kind: "dev", target: "/dev" },
      { kind: "remount-read-only", target: "/dev" },
    ],
    terminal,
  );
  const names = ["null", "zero", "full", "random", "urandom", "tty"];
  expect(mounts.slice(1)).toEqual([
    { target: "/dev", type: "tmpfs", access: "ro", devices: false, optional: false },
    ...names.map((name) => ({
      target: `/dev/${name}`,
      access: "rw",
      from: { device: "0:5", root: `/${name}` },
      devices: true,
      optional: false,
    })),
    { target: "/dev/pts", type: "devpts", access: "rw", devices: true, optional: false },
    ...console,
  ]);
});
