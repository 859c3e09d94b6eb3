import { domainToASCII } from "node:url";
import { accepted, type Parsed, refused } from "./parsed.ts";

/** RFC 1035 section 2.3.4, without the root's dot. */
const MAX_HOST = 253;
const MAX_LABEL = 63;

/**
 * Reads the name of an agent or a tool server: an RFC 1123 label in lower case (`a-z`, `0-9`, `-`; begins with a letter, ends
 * with a letter or digit; at most 63 characters). It becomes a host name, a path segment and part of an identity, so
 * nothing that one of these would have to quote is let in.
 */
export function parseLabel(text: string): Parsed<string> {
  if (text.length > MAX_LABEL) return refused(`is longer than ${MAX_LABEL} characters`);
  if (/^[a-z](?:[a-z0-9-]*[a-z0-9])?$/.test(text)) return accepted(text);
  const fixed = asLabel(text);
  return refused(
    "is not a name",
    `use lower-case letters, digits and hyphens, beginning with a letter${fixed === "" ? "" : `: ${fixed}`}`,
  );
}

/** Reads the id of a rule, a credential or an operator group: like a label, with `_` and `.` as well. */
export function parseId(text: string): Parsed<string> {
  if (text.length > MAX_LABEL) return refused(`is longer than ${MAX_LABEL} characters`);
  if (/^[a-z](?:[a-z0-9._-]*[a-z0-9])?$/.test(text)) return accepted(text);
  const fixed = asLabel(text);
  return refused(
    "is not an id",
    `use lower-case letters, digits, "-", "_" and ".", beginning with a letter${fixed === "" ? "" : `: ${fixed}`}`,
  );
}

/**
 * Reads a host: a DNS name, an IPv4 address in four plain decimal numbers, or an IPv6 address in brackets. The result is the
 * one form that everything else is judged and dialled in: lower case, ASCII (UTS 46 for other scripts), no trailing dot,
 * IPv6 as RFC 5952 with its brackets. Other notations of an address (`0x7f.1`, `127.1`, `2130706433`) are refused, since
 * resolvers read them as an address where a matcher would see a name.
 */
export function parseHost(text: string): Parsed<string> {
  if (text === "") return refused("has no host");
  // A NUL byte, a space or an @ inside a name is read differently by matchers and by resolvers; none of them is a host's.
  const odd = /[^\p{L}\p{M}\p{N}.:[\]_-]/u.exec(text);
  if (odd !== null) return refused(`has ${describe(odd[0])} in its host`);
  if (text.startsWith("[")) return parseIpv6(text);
  if (text.includes(":") || text.includes("]")) {
    return refused("has a malformed host", "write an IPv6 address in brackets: [2001:db8::1]");
  }
  const ascii = domainToASCII(text.replace(/\.$/, "").toLowerCase());
  if (ascii === "" || ascii.length > MAX_HOST) return refused("has a malformed host");
  const labels = ascii.split(".");
  // A name whose last label is a number is an address to every resolver (WHATWG URL, "ends in a number").
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "")) {
    if (/^(?:(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])(?:\.(?!$)|$)){4}$/.test(text)) return accepted(text);
    return refused("has an address in an unusual notation", "write four decimal numbers, such as 192.0.2.1");
  }
  for (const label of labels) {
    if (label.length > MAX_LABEL || !/^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/.test(label)) {
      return refused("has a malformed host");
    }
  }
  // Whatever is dialled goes through URL: a name that it reads differently, or not at all, must not have been judged.
  return URL.parse(`https://${ascii}/`)?.hostname === ascii ? accepted(ascii) : refused("has a malformed host");
}

function parseIpv6(text: string): Parsed<string> {
  if (!/^\[[0-9A-Fa-f:.]+\]$/.test(text)) return refused("has a malformed IPv6 address");
  const canonical = URL.parse(`http://${text}/`)?.hostname;
  return canonical === undefined ? refused("has a malformed IPv6 address") : accepted(canonical);
}

/** A trust domain as in SPIFFE-ID section 2.1: `a-z`, `0-9`, `.`, `-`, `_`; at most 255 characters. */
export function parseTrustDomain(text: string): Parsed<string> {
  if (text.length > 255) return refused("is longer than 255 characters");
  if (/^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/.test(text)) return accepted(text);
  return refused("is not a trust domain", 'use lower-case letters, digits, ".", "-" and "_": desk.example');
}

/** The nearest label to what was written; empty where there is none. */
export function asLabel(text: string): string {
  const label = text
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[^a-z]+|-+$/g, "");
  return label.slice(0, MAX_LABEL).replace(/-+$/, "");
}

function describe(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f)
    return `the control character U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return character === " " ? "a space" : `"${character}"`;
}
