import { expect, test } from "vitest";
import { checkCondition } from "./conditions.ts";

test.each([
  'args.symbol in ["BTC-USD", "ETH-USD"] && args.qty > 0',
  "args.qty * args.price > 200",
  "args.qty * args.price > 200 + 0.5",
  "0.1 + 0.2 == 0.3",
  "1.5 > 1 && 2 == 2.0",
  "has(args.note) && size(args.note) < 100",
  'args.legs.all(leg, leg.symbol == "BTC-USD")',
  "!args.dry_run",
  "args.confirmed",
  'agent == "trader"',
  "true",
])("%s can be a condition on a tool call", (text) => {
  expect(checkCondition(text, "tool")).toBeUndefined();
});

test("each kind of action has names of its own", () => {
  expect(checkCondition('method == "POST" && body.amount > 1 && headers["x-a"] == "b"', "http")).toBeUndefined();
  expect(checkCondition('has_where && "orders" in tables', "sql")).toBeUndefined();
  expect(checkCondition("args.x == 1", "http")).toMatchObject({ id: "condition-unknown-name", offset: 0 });
  expect(checkCondition("true && body.x == 1", "tool")).toMatchObject({ id: "condition-unknown-name", offset: 8 });
});

test.each([
  ["", "condition-syntax", 0],
  ["   ", "condition-syntax", 0],
  ["args.qty >", "condition-syntax", 10],
  ["args.qty = 1", "condition-syntax", 9],
  ["((", "condition-syntax", 2],
  ['"unclosed', "condition-syntax", 0],
  ["a".repeat(5000), "condition-syntax", 0],
  ["arg.qty > 1", "condition-unknown-name", 0],
  ["args.qty > 1 && now > 2", "condition-unknown-name", 16],
  ["args.all(x, y > 1)", "condition-unknown-name", 12],
  ["args.qty * 2", "condition-type", 0],
  ['"yes"', "condition-type", 0],
  ["agent > 1", "condition-type", 0],
  ["lower(args.x) == 1", "condition-type", 0],
])("%j is no condition: %s", (text, id, offset) => {
  expect(checkCondition(text, "tool")).toMatchObject({ id, offset });
});

test("an expression too deep to parse is an answer, not a crash", () => {
  expect(checkCondition(`${"(".repeat(2000)}1`, "tool")).toMatchObject({ id: "condition-syntax" });
  expect(checkCondition("!".repeat(4000), "tool")).toMatchObject({ id: "condition-syntax" });
});
