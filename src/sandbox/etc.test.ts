import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ownFiles } from "./etc.ts";

vi.hoisted(() => {
  // As the build does it: from the sources nothing is remembered.
  Object.assign(globalThis, { HARDLINE_BUILD_ID: "0123456789abcdef" });
});

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "hardline-etc-"));
});
afterEach(() => rmSync(state, { recursive: true }));

const read = (etc: string, name: string): string => readFileSync(join(etc, name), "utf8");

describe("the sandbox's /etc", () => {
  test("knows the agent and nobody else of this host", () => {
    const { etc } = ownFiles(state, 4711, 4712);
    expect(read(etc, "passwd").split("\n")).toEqual([
      "root:x:0:0:root:/:/bin/sh",
      "agent:x:4711:4712:agent:/tmp/home:/bin/sh",
      "nobody:x:65534:65534:nobody:/:/bin/false",
      "",
    ]);
    expect(read(etc, "group")).toBe("root:x:0:\nagent:x:4712:\nnogroup:x:65534:\n");
    expect(read(etc, "hosts")).toBe("127.0.0.1 localhost\n::1 localhost\n");
    expect(read(etc, "hostname")).toBe("hardline\n");
    expect(read(etc, "resolv.conf")).not.toContain("nameserver");
    expect(read(etc, "nsswitch.conf")).not.toContain("dns");
  });

  test("has none of the host's files that tell of its people, settings or secrets", () => {
    const { etc } = ownFiles(state, 4711, 4712);
    for (const name of ["shadow", "sudoers", "ssh", "machine-id", "fstab", "environment", "profile", "ld.so.preload"]) {
      expect(existsSync(join(etc, name))).toBe(false);
    }
    expect(existsSync(join(etc, "ssl/private"))).toBe(false);
  });

  test("copies what programs cannot do without, and only what everyone may read", () => {
    const { etc } = ownFiles(state, 4711, 4712);
    if (existsSync("/etc/services")) expect(read(etc, "services")).toBe(readFileSync("/etc/services", "utf8"));
    const copied: string[] = [];
    const visit = (directory: string): void => {
      for (const entry of readdirSync(join(etc, directory), { withFileTypes: true })) {
        const name = join(directory, entry.name);
        if (entry.isDirectory()) visit(name);
        else copied.push(name);
      }
    };
    visit("");
    for (const name of copied) {
      const host = lstatSync(join("/etc", name), { throwIfNoEntry: false });
      const isOwn = !name.includes("/") && readdirSync(etc).includes(name);
      if (host?.isFile() && !isOwn) expect(host.mode & 0o004).toBe(0o004);
    }
    expect(readlinkSync(join(etc, "localtime"))).toBe("/usr/share/zoneinfo/UTC");
    expect(readlinkSync(join(etc, "os-release"))).toBe("../usr/lib/os-release");
  });

  test("can be read by the agent whatever the caller's mask", () => {
    const mask = process.umask(0o077);
    try {
      const { etc, empty } = ownFiles(state, 4711, 4712);
      expect(statSync(etc).mode & 0o777).toBe(0o755);
      expect(statSync(join(etc, "passwd")).mode & 0o777).toBe(0o644);
      expect(statSync(empty).mode & 0o777).toBe(0o644);
      for (const entry of readdirSync(etc, { withFileTypes: true, recursive: true })) {
        if (entry.isSymbolicLink()) continue;
        const { mode } = statSync(join(entry.parentPath, entry.name));
        expect(mode & 0o004).toBe(0o004);
        if (entry.isDirectory()) expect(mode & 0o777).toBe(0o755);
      }
      expect(process.umask()).toBe(0o077);
    } finally {
      process.umask(mask);
    }
    expect(statSync(dirname(dirname(ownFiles(state, 4711, 4712).etc))).mode & 0o777).toBe(0o700);
  });
});

test("an empty file is there to cover things with", () => {
  const { empty } = ownFiles(state, 4711, 4712);
  expect(statSync(empty)).toMatchObject({ size: 0 });
});

test("it is made once for each identity, and anew when it is gone", () => {
  const first = ownFiles(state, 4711, 4712);
  expect(ownFiles(state, 4711, 4712)).toEqual(first);
  expect(ownFiles(state, 4713, 4712).etc).not.toBe(first.etc);
  rmSync(dirname(first.etc), { recursive: true });
  const again = ownFiles(state, 4711, 4712);
  expect(read(again.etc, "hostname")).toBe("hardline\n");
});
