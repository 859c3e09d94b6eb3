import { parseHost, parseLabel } from "../core/names.ts";
import { accepted, type Parsed, refused } from "../core/parsed.ts";
import { didYouMean } from "../core/suggest.ts";
import type { Matcher } from "./types.ts";

type HttpMatcher = Extract<Matcher, { kind: "http" }>;
type SqlMatcher = Extract<Matcher, { kind: "sql" }>;
type ToolMatcher = Extract<Matcher, { kind: "tool" }>;

/** RFC 9110, RFC 5789, RFC 4918 and what else has a body worth judging. CONNECT is the gateway's own business. */
const HTTP_METHODS = [
  ...["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"],
  ...["PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "PURGE"],
];

const SQL_STATEMENTS = [
  ...["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "CREATE", "ALTER", "DROP"],
  ...["GRANT", "REVOKE", "CALL", "COPY", "EXECUTE", "EXPLAIN", "SET", "SHOW", "LOCK", "VACUUM"],
];

const GRAPHQL_OPERATIONS = ["query", "mutation", "subscription", "*"] as const;

/**
 * Reads a tool matcher, `server.tool`: the server's name, or a pattern of it, up to the first dot; then the tool's. `*` stands
 * for any run of characters. A tool name is what the server says it is, so the characters of MCP's tool names are let in.
 */
export function parseToolMatcher(text: string): Parsed<ToolMatcher> {
  const dot = text.indexOf(".");
  if (dot === -1) {
    return refused(
      "names no tool of a server",
      text === "*" ? "write *.* for every tool" : `write server.tool, or ${text}.* for all of them`,
    );
  }
  const server = text.slice(0, dot);
  const tool = text.slice(dot + 1);
  if (!/^[a-z*](?:[a-z0-9*-]*[a-z0-9*])?$/.test(server) || server.length > 63) {
    const named = parseLabel(server);
    return refused(`has the server name "${server}"`, named.kind === "refused" ? named.hint : "");
  }
  if (!/^[A-Za-z0-9_./*-]{1,128}$/.test(tool)) {
    return refused(`has the tool name "${tool}"`, 'use letters, digits, "_", "-", ".", "/" and "*"');
  }
  return accepted({ kind: "tool", server, tool });
}

/**
 * Reads an HTTP matcher: `METHOD [http://|https://]host[:port]/path`. The method in capitals, or `*`; the host in its canonical form, `*.suffix` for any
 * depth of subdomain, or `*`; the path in the canonical form that requests are judged in, with `*` within a segment and `**` across them.
 */
export function parseHttpMatcher(text: string): Parsed<HttpMatcher> {
  const space = text.indexOf(" ");
  if (space === -1) return refused("has no method", `write a method or * before it: * ${text}`);
  const method = text.slice(0, space);
  if (method !== "*" && !HTTP_METHODS.includes(method)) {
    const hint = didYouMean(method.toUpperCase(), HTTP_METHODS);
    const upper = HTTP_METHODS.includes(method.toUpperCase()) ? `write it in capitals: ${method.toUpperCase()}` : hint;
    return refused(`has the unknown method "${method}"`, upper || "write a method such as GET or POST, or *");
  }
  const target = text.slice(space + 1);
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(target);
  const [prefix = "", name = "https"] = scheme ?? [];
  if (name !== "https" && name !== "http")
    return refused(`has the scheme "${name}"`, "write https:// or http://, or nothing for https");
  const rest = target.slice(prefix.length);
  const slash = rest.indexOf("/");
  if (slash === -1) return refused("has no path", `write ${text}/** for every path`);
  const authority = parseAuthority(rest.slice(0, slash), name);
  if (authority.kind === "refused") return authority;
  const path = parsePathPattern(rest.slice(slash));
  if (path.kind === "refused") return path;
  return accepted({ kind: "http", method, scheme: name, ...authority.value, path: path.value });
}

function parseAuthority(text: string, scheme: "https" | "http"): Parsed<{ host: string; port: number }> {
  if (text.includes("@")) return refused("has a user name in its host", "credentials are named with `credential:`");
  const colon = /:([^:\]]*)$/.exec(text);
  const hostText = colon === null ? text : text.slice(0, colon.index);
  let port = scheme === "https" ? 443 : 80;
  if (colon !== null) {
    const [, portText = ""] = colon;
    if (!/^[1-9][0-9]{0,4}$/.test(portText) || Number(portText) > 65_535)
      return refused(`has the port "${portText}"`, "write a number from 1 to 65535");
    port = Number(portText);
  }
  if (hostText === "*") return accepted({ host: "*", port });
  const wildcard = hostText.startsWith("*.") ? "*." : "";
  const suffix = hostText.slice(wildcard.length);
  if (suffix.includes("*"))
    return refused("has a * inside its host", "write *.suffix for every subdomain, or * for every host");
  const host = parseHost(suffix);
  if (host.kind === "refused") return host;
  // `*.1.2.3.4` would look like a set of addresses, and is none.
  if (wildcard !== "" && /(?:^\[|\.[0-9]+$)/.test(host.value)) return refused("puts a * before an address");
  return accepted({ host: wildcard + host.value, port });
}

/** Requests are judged on one canonical path, so a pattern that is not canonical could never match, or match too much. */
function parsePathPattern(text: string): Parsed<string> {
  if (text.includes("?")) return refused("has a query", "judge the query in `when:`");
  if (text.includes("#")) return refused("has a fragment, which is never sent");
  if (text.includes("***")) return refused("has more than two * together", "write * within a segment, ** across them");
  if (/[^\x21-\x7e]/.test(text))
    return refused("has a character that is not sent as it is", "write it percent-encoded");
  if (/["<>\\^`{|}]/.test(text))
    return refused(`has ${/["<>\\^`{|}]/.exec(text)?.[0]} in its path`, "write it percent-encoded");
  for (const [encoded] of text.matchAll(/%(?:[0-9A-Fa-f]{2})?/g)) {
    if (encoded === "%") return refused('has a "%" without two hexadecimal digits', "write %25");
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    if (/[A-Za-z0-9._~-]/.test(character))
      return refused(`has ${encoded}, which is ${character}`, `write ${character}`);
    if (character === "/" || character === "\\" || character === "\0")
      return refused(`has ${encoded}, which is never let through`);
    if (encoded !== encoded.toUpperCase()) return refused(`has ${encoded}`, `write ${encoded.toUpperCase()}`);
  }
  const segments = text.split("/").slice(1);
  if (segments.slice(0, -1).includes("")) return refused('has "//" in its path', "write one slash");
  if (segments.some((segment) => segment === "." || segment === ".."))
    return refused('has "." or ".." in its path', "write the path it leads to");
  return accepted(text);
}

/** Reads a GraphQL matcher: `query`, `mutation`, `subscription` or `*`, and the name of a field with `*` for any run of characters. */
export function parseGraphqlMatcher(text: string): Parsed<NonNullable<HttpMatcher["graphql"]>> {
  const [operationText = "", field = "", ...more] = text.split(" ");
  const operation = GRAPHQL_OPERATIONS.find((known) => known === operationText);
  if (operation === undefined) {
    return refused(
      `has the unknown operation "${operationText}"`,
      didYouMean(operationText, GRAPHQL_OPERATIONS) || "write query, mutation, subscription or *",
    );
  }
  if (more.length > 0 || !/^[A-Za-z_*][A-Za-z0-9_*]{0,127}$/.test(field)) {
    return refused("does not name a field", `write: ${operation} fieldName, or ${operation} *`);
  }
  return accepted({ operation, field });
}

/** Reads a SQL matcher: a statement kind in capitals or `*`, and a table name, with `*` for any run of characters. */
export function parseSqlMatcher(text: string): Parsed<SqlMatcher> {
  const [statement = "", table = "", ...more] = text.split(" ");
  if (statement !== "*" && !SQL_STATEMENTS.includes(statement)) {
    const upper = statement.toUpperCase();
    const hint = SQL_STATEMENTS.includes(upper) ? `write it in capitals: ${upper}` : didYouMean(upper, SQL_STATEMENTS);
    return refused(`has the unknown statement "${statement}"`, hint || "write a kind such as SELECT or DELETE, or *");
  }
  if (more.length > 0 || !/^[A-Za-z_*][A-Za-z0-9_$*]*(?:\.[A-Za-z_*][A-Za-z0-9_$*]*){0,2}$/.test(table)) {
    return refused("does not name a table", `write: ${statement} table, or ${statement} *`);
  }
  return accepted({ kind: "sql", statement, table });
}

/** Whether a pattern with `*` for any run of characters takes a text. Linear in the product of both lengths, no backtracking. */
export function globMatches(pattern: string, text: string): boolean {
  const parts = pattern.split("*");
  const [first = "", ...rest] = parts;
  if (rest.length === 0) return pattern === text;
  const last = rest.pop() ?? "";
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
