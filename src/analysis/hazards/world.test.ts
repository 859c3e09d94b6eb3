import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Sandboxed } from "../../policy/types.ts";
import { isWithin, World } from "./world.ts";

let dir = "";
beforeEach(() => {
  dir = realpathSync(mkdtempSync("/var/tmp/hardline-world-"));
  for (const name of ["app/lib", "state", "src"]) mkdirSync(join(dir, name), { recursive: true });
  for (const name of ["app/trade", "app/lib/x", "state/y", "src/limits"]) writeFileSync(join(dir, name), "text");
});
afterEach(() => rmSync(dir, { recursive: true }));

function sandboxed(shape: Sandboxed["shape"], read: readonly string[] = []): Sandboxed {
  return { name: "a", run: ["true"], shape, read, env: {}, resources: {}, allow: [], accept: [] };
}

const root = (...mutable: string[]): World => new World(sandboxed({ kind: "root", root: dir, mutable }));
const workspace = (...sealed: string[]): World =>
  new World(
    sandboxed({
      kind: "workspace",
      workspace: dir,
      sealed: sealed.map((path) => {
        const [name = "", source] = path.split("=");
        return { path: name, directory: false, ...(source !== undefined && { source: join(dir, source) }) };
      }),
    }),
  );

test("isWithin compares whole names", () => {
  expect(isWithin("/a/b", "/a")).toBe(true);
  expect(isWithin("/a", "/a")).toBe(true);
  expect(isWithin("/ab", "/a")).toBe(false);
  expect(isWithin("/x", "/")).toBe(true);
});

test("places of a sealed root with mutable holes", () => {
  const world = root("state");
  expect(world.place(join(dir, "app/trade"))).toBe("sealed");
  expect(world.place(join(dir, "state/new"))).toBe("mutable");
  expect(world.place(join(dir, "stately"))).toBe("sealed");
  expect(world.place("/usr/bin/env")).toBe("system");
  expect(world.place("/tmp/x")).toBe("scratch");
  expect(world.place("/home/x")).toBe("nowhere");
  expect(world.place(dirname(dir))).toBe("nowhere");
});

test("a workspace is mutable but for what is sealed, and its ancestors cannot be replaced", () => {
  const world = workspace("app/lib/x", "limits=src/limits");
  expect(world.place(join(dir, "app/lib/x"))).toBe("sealed");
  expect(world.place(join(dir, "app/lib/z"))).toBe("mutable");
  expect(world.kind(join(dir, "limits"))).toBe("file");
  expect(world.hostPath(join(dir, "limits"))).toBe(join(dir, "src/limits"));
  expect(world.forgeable(join(dir, "app"), "file")).toBe(false);
  expect(world.forgeable(join(dir, "app"), "directory")).toBe(true);
  expect(world.forgeable(join(dir, "state"), "file")).toBe(true);
  expect(world.forgeable(join(dir, "app/lib/x"), "file")).toBe(false);
});

test("what is not mounted is not there, whatever the host has", () => {
  const world = root();
  expect(world.kind("/var/lib")).toBe("absent");
  expect(world.kind(dir)).toBe("directory");
  expect(world.kind("/usr/bin")).toBe("directory");
  const reading = new World(sandboxed({ kind: "root", root: join(dir, "app"), mutable: [] }, [join(dir, "src")]));
  expect(reading.kind(join(dir, "src/limits"))).toBe("file");
  expect(reading.place(join(dir, "src/limits"))).toBe("read");
  expect(reading.kind(join(dir, "state/y"))).toBe("absent");
});

test("links are followed inside the sandbox, and one that the agent can replace steers", () => {
  symlinkSync("../state/y", join(dir, "app/to-state"));
  symlinkSync("../app/trade", join(dir, "state/to-app"));
  symlinkSync("loop", join(dir, "app/loop"));
  const world = root("state");
  expect(world.follow(join(dir, "app/to-state"))).toEqual({ path: join(dir, "state/y"), kind: "file", steered: false });
  expect(world.agentDecides(join(dir, "app/to-state"))).toBe(true);
  expect(world.follow(join(dir, "state/to-app"))).toMatchObject({ path: join(dir, "app/trade"), steered: true });
  expect(world.agentDecides(join(dir, "state/to-app"))).toBe(true);
  expect(world.kind(join(dir, "app/loop"))).toBe("absent");
  // A link to a directory that the agent can replace: what is below may be anything.
  symlinkSync("../app", join(dir, "state/dir"));
  expect(root("state").forgeable(join(dir, "state/dir/new"), "file")).toBe(true);
});

test("scratch directories, and what stands between them and a mount", () => {
  const at = (base: string, ...read: string[]): World =>
    new World(sandboxed({ kind: "root", root: base, mutable: [] }, read));
  expect(at("/srv/x").place("/tmp/y")).toBe("scratch");
  expect(at("/srv/x").place("/var/tmp/y")).toBe("scratch");
  expect(at("/var/tmp/a/b").place("/var/tmp/y")).toBe("nowhere");
  expect(at("/tmp/a/b").place("/tmp/a/y")).toBe("nowhere");
  expect(at("/tmp/a/b").place("/tmp/a/b/y")).toBe("sealed");
  expect(at("/tmp/a/b").place("/tmp/y")).toBe("scratch");
  expect(at("/srv/x", "/tmp/r/s").place("/tmp/r/y")).toBe("nowhere");
});

test("a stand-in closes a name once, and only where nothing stands", () => {
  const world = workspace("app/trade");
  const name = join(dir, "app/limits");
  expect(world.forgeable(name, "directory")).toBe(true);
  expect(world.standIn(name, "file", "python-import-shadowed")).toBe(true);
  expect(world.forgeable(name, "directory")).toBe(false);
  expect(world.forgeable(join(name, "__init__.py"), "file")).toBe(false);
  expect(world.kind(name)).toBe("file");
  expect(world.standIn(name, "directory", "python-import-shadowed")).toBe(false);
  expect(world.standIn(join(dir, "state"), "directory", "python-bytecode")).toBe(false);
  expect(world.standIn("/usr/x", "file", "python-bytecode")).toBe(false);
  expect(world.standIns()).toEqual([{ path: "app/limits", kind: "file", closes: "python-import-shadowed" }]);
  expect(root("state").standIn(join(dir, "state/x"), "file", "python-bytecode")).toBe(false);
});
