import { afterEach, expect, test, vi } from "vitest";
import { sealingProgress } from "./progress.ts";

afterEach(() => {
  vi.restoreAllMocks();
  Reflect.deleteProperty(process.stderr, "isTTY");
});

function shown(isTTY: boolean): string[] {
  const said: string[] = [];
  Object.defineProperty(process.stderr, "isTTY", { value: isTTY, configurable: true });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => said.push(String(text)) > 0);
  const progress = sealingProgress();
  for (const files of [0, 50, 100]) progress({ files, of: 100, bytes: files * 1e6 });
  return said;
}

test("a terminal shows how far it is, and is left clean", () => {
  expect(shown(true)).toEqual([
    `\rsealing ${"░".repeat(24)} 0/100 files, 0 MB`,
    `\rsealing ${"█".repeat(12)}${"░".repeat(12)} 50/100 files, 50 MB`,
    "\r\x1b[K",
  ]);
});

test("anything else shows nothing", () => {
  expect(shown(false)).toEqual([]);
});
