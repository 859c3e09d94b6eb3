import fc from "fast-check";
import { expect, test } from "vitest";
import { parseHost, parseId, parseLabel, parseTrustDomain } from "./names.ts";

test.each(["a", "trader", "trader-1", "a--b", "a".repeat(63)])("%s is a label", (text) => {
  expect(parseLabel(text)).toEqual({ kind: "ok", value: text });
});

test.each(["", "-a", "a-", "1a", "A", "a_b", "a.b", "a b", "a/b", "ä", "a\n", "a\0", "a".repeat(64)])(
  "%j is no label",
  (text) => {
    expect(parseLabel(text).kind).toBe("refused");
  },
);

test("a name that is nearly one is answered with one", () => {
  expect(parseLabel("TradingBot_2")).toMatchObject({ hint: expect.stringContaining(": trading-bot-2") });
  expect(parseLabel("!!!")).toMatchObject({ hint: expect.not.stringContaining(": ") });
});

test("ids are labels with _ and .", () => {
  expect(parseId("orders_per.minute-1").kind).toBe("ok");
  for (const text of ["", "_a", "a.", "A", "a b"]) expect(parseId(text).kind).toBe("refused");
});

test("trust domains", () => {
  expect(parseTrustDomain("desk.example").kind).toBe("ok");
  for (const text of ["", "Desk", "a/b", "a:1", "a".repeat(256)]) expect(parseTrustDomain(text).kind).toBe("refused");
});

test.each([
  ["api.example", "api.example"],
  ["API.Example", "api.example"],
  ["api.example.", "api.example"],
  ["Bücher.example", "xn--bcher-kva.example"],
  ["_dmarc.example", "_dmarc.example"],
  ["192.0.2.1", "192.0.2.1"],
  ["localhost", "localhost"],
  ["[2001:DB8:0:0:0:0:0:1]", "[2001:db8::1]"],
  ["[::ffff:192.0.2.1]", "[::ffff:c000:201]"],
])("the host %s is %s", (text, host) => {
  expect(parseHost(text)).toEqual({ kind: "ok", value: host });
});

test.each([
  ...[
    "",
    ".",
    "..",
    "a..b",
    ".a",
    "-a.b",
    "a-.b",
    "a b",
    "a@b",
    "a/b",
    "a%41",
    "a\0.b",
    "a\n",
    "a:80",
    "a?b",
    "a*b",
    "*",
  ],
  ...[
    "127.1",
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "1.2.3.04",
    "1.2.3.256",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4.",
  ],
  ...["::1", "[::1", "::1]", "[::1%eth0]", "[1.2.3.4]", "[]", "[g::1]", "a.1", "a.0x1"],
  ...["１２７.0.0.1", "a。b\u00ad@", "xn--", "a".repeat(64), `${"a.".repeat(127)}aa`],
])("the host %j is refused", (text) => {
  expect(parseHost(text).kind).toBe("refused");
});

test("a canonical host is its own canonical form, and URL agrees with it", () => {
  const label = fc.stringMatching(/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?$/);
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 4 }), (labels) => {
      const parsed = parseHost(labels.join("."));
      if (parsed.kind === "refused") return;
      expect(parseHost(parsed.value)).toEqual(parsed);
      expect(new URL(`https://${parsed.value}/`).hostname).toBe(parsed.value);
    }),
  );
});
