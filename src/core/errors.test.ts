import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { errnoOf, HardlineError } from "./errors.ts";

class RoomError extends HardlineError {
  override readonly code = "full";
}

test("an error says what, and what to do about it", () => {
  const cause = new Error("below");
  const error = new RoomError("no space left in /var", "Make some.", { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    name: "RoomError",
    code: "full",
    message: "no space left in /var",
    remedy: "Make some.",
    cause,
  });
  expect(String(error)).toBe("RoomError: no space left in /var");
  expect(new RoomError("it").remedy).toBe("");
});

test("a system error's code is told, and nothing else is taken for one", () => {
  expect.assertions(8);
  try {
    readFileSync("/none");
  } catch (error) {
    expect(errnoOf(error)).toBe("ENOENT");
  }
  for (const other of [new Error("x"), undefined, null, "ENOENT", 2, { code: "ENOENT" }]) {
    expect(errnoOf(other)).toBeUndefined();
  }
  expect(errnoOf(Object.assign(new Error("x"), { code: 2 }))).toBeUndefined();
});
