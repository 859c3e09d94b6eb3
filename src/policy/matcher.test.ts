import fc from "fast-check";
import { expect, test } from "vitest";
import { globMatches, parseGraphqlMatcher, parseHttpMatcher, parseSqlMatcher, parseToolMatcher } from "./matcher.ts";

test.each([
  ["exchange.get_*", "exchange", "get_*"],
  ["*.*", "*", "*"],
  ["a-b.files/read.v2", "a-b", "files/read.v2"],
])("the tool matcher %s", (text, server, tool) => {
  expect(parseToolMatcher(text)).toEqual({ kind: "ok", value: { kind: "tool", server, tool } });
});

test.each(["", "*", "x", ".x", "x.", "X.y", "x.y z", "x.y\0", "-x.y", "x. y", "x.{a,b}", `x.${"y".repeat(129)}`])(
  "the tool matcher %j is refused",
  (text) => {
    expect(parseToolMatcher(text).kind).toBe("refused");
  },
);

test.each([
  [
    "POST api.example/v1/messages",
    { method: "POST", scheme: "https", host: "api.example", port: 443, path: "/v1/messages" },
  ],
  [
    "* *.Provider.example/graphql/**",
    { method: "*", scheme: "https", host: "*.provider.example", port: 443, path: "/graphql/**" },
  ],
  ["GET http://a.example/", { method: "GET", scheme: "http", host: "a.example", port: 80, path: "/" }],
  ["GET https://a.example:8443/x", { method: "GET", scheme: "https", host: "a.example", port: 8443, path: "/x" }],
  ["GET a.example:8080/x", { method: "GET", scheme: "https", host: "a.example", port: 8080, path: "/x" }],
  ["GET */**", { method: "GET", scheme: "https", host: "*", port: 443, path: "/**" }],
  ["GET [2001:DB8::1]:444/", { method: "GET", scheme: "https", host: "[2001:db8::1]", port: 444, path: "/" }],
  [
    "GET a.example/caf%C3%A9/:id@x",
    { method: "GET", scheme: "https", host: "a.example", port: 443, path: "/caf%C3%A9/:id@x" },
  ],
])("the HTTP matcher %s", (text, value) => {
  expect(parseHttpMatcher(text)).toEqual({ kind: "ok", value: { kind: "http", ...value } });
});

test.each([
  ...[
    "",
    "GET",
    "GET ",
    "a.example/",
    "get a.example/",
    "GTE a.example/",
    "CONNECT a.example/",
    "GET  a.example/",
    "GET a.example",
  ],
  ...[
    "GET ftp://a/",
    "GET u@a/",
    "GET u:p@a/",
    "GET a:0/",
    "GET a:65536/",
    "GET a:x/",
    "GET a:/",
    "GET *a.example/",
    "GET a.*.b/",
  ],
  ...["GET *./", "GET *.*/", "GET *.1.2.3.4/", "GET *.[::1]/", "GET 127.1/", "GET 0x7f000001/", "GET a\0.b/", "GET /x"],
  ...[
    "GET a/x?y",
    "GET a/x#y",
    "GET a/***",
    "GET a//b",
    "GET a/./b",
    "GET a/../b",
    "GET a/..",
    "GET a/ b",
    "GET a/\u00e9",
  ],
  ...[
    "GET a/%",
    "GET a/%2",
    "GET a/%zz",
    "GET a/%41",
    "GET a/%2F",
    "GET a/%2f",
    "GET a/%5C",
    "GET a/%00",
    "GET a/%c3%a9",
    "GET a/\\b",
  ],
])("the HTTP matcher %j is refused", (text) => {
  expect(parseHttpMatcher(text).kind).toBe("refused");
});

test("what is in a path matcher could be in a request: URL sends it as it is", () => {
  const piece = fc.constantFrom(
    "a",
    "B",
    "%20",
    "%C3%A9",
    "*",
    "**",
    "/",
    ".",
    "-",
    ":",
    "@",
    "!",
    "'",
    "(",
    "%2F",
    "..",
    "%61",
    "?",
    "\\",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const path = `/${pieces.join("")}`;
      if (parseHttpMatcher(`GET a.example${path}`).kind === "refused") return;
      expect(new URL(`https://a.example${path}`).pathname).toBe(path);
    }),
  );
});

test("GraphQL matchers", () => {
  expect(parseGraphqlMatcher("mutation volumeDelete")).toEqual({
    kind: "ok",
    value: { operation: "mutation", field: "volumeDelete" },
  });
  expect(parseGraphqlMatcher("* volume*").kind).toBe("ok");
  for (const text of [
    "",
    "mutation",
    "mutation ",
    "mutatoin x",
    "mutation a b",
    "mutation 1a",
    "query a.b",
    "Query a",
  ]) {
    expect(parseGraphqlMatcher(text).kind).toBe("refused");
  }
});

test("SQL matchers", () => {
  expect(parseSqlMatcher("DELETE orders")).toEqual({
    kind: "ok",
    value: { kind: "sql", statement: "DELETE", table: "orders" },
  });
  for (const text of ["* *", "SELECT public.*", "SELECT db.public.t"]) expect(parseSqlMatcher(text).kind).toBe("ok");
  for (const text of ["", "SELECT", "select x", "SELECT a b", "SELECT a;b", "SELECT a.b.c.d", "FOO x", "SELECT 'x'"]) {
    expect(parseSqlMatcher(text).kind).toBe("refused");
  }
});

test.each([
  ["get_*", "get_price", true],
  ["get_*", "get_", true],
  ["get_*", "set_get_", false],
  ["*", "", true],
  ["a*b*c", "a-b-b-c", true],
  ["a*b*c", "a-c-b", false],
  ["ab*ba", "aba", false],
  ["x", "x", true],
  ["x", "xx", false],
])("%s takes %s: %s", (pattern, text, matches) => {
  expect(globMatches(pattern, text)).toBe(matches);
});

test("globs mean what the regular expression for them means, and take no time on hostile texts", () => {
  const letters = fc.stringMatching(/^[ab*]{0,8}$/);
  fc.assert(
    fc.property(letters, fc.stringMatching(/^[ab]{0,10}$/), (pattern, text) => {
      expect(globMatches(pattern, text)).toBe(new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(text));
    }),
    { numRuns: 2000 },
  );
  const start = performance.now();
  globMatches("*a".repeat(1000), "a".repeat(100_000));
  expect(performance.now() - start).toBeLessThan(1000);
});
