import { accepted, type Parsed, refused } from "../core/parsed.ts";
import { type Compilation, mapping, quote } from "./compilation.ts";
import type { Path } from "./problems.ts";
import { AlertSchema, CredentialSchema, InjectionSchema, OperatorGroupSchema, SecretSourceSchema } from "./schema.ts";
import { named } from "./schema-problems.ts";
import type { Alert, Credential, OperatorGroup } from "./types.ts";

/** Headers that say where a request goes and where its body ends; a credential in one of them would change the request. */
const FRAMING_HEADERS = [
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "upgrade",
  "te",
  "trailer",
  "expect",
];

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function compileCredential(
  name: string,
  value: unknown,
  path: Path,
  compilation: Compilation,
): Credential | undefined {
  const raw = mapping(value);
  const { as: placeholder } = compilation.parts(CredentialSchema, value);
  const from = compileSource(raw["from"], [...path, "from"], compilation);
  const inject = compileInjection(raw["inject"], [...path, "inject"], compilation);
  if (placeholder !== undefined) envName(placeholder, [...path, "as"], compilation);
  if (from === undefined) return undefined;
  return {
    name,
    from,
    ...(inject === undefined ? {} : { inject }),
    ...(placeholder === undefined ? {} : { as: placeholder }),
    options: {},
  };
}

function compileSource(value: unknown, path: Path, compilation: Compilation): Credential["from"] | undefined {
  const kind = compilation.exactlyOne(value, ["file", "env"], path);
  const { file, env } = compilation.parts(SecretSourceSchema, value);
  const absolute = compilation.hostPath(file, [...path, "file"]);
  if (env !== undefined) envName(env, [...path, "env"], compilation);
  if (kind === "file") return absolute === undefined ? undefined : { file: absolute };
  return env === undefined ? undefined : { env };
}

function compileInjection(value: unknown, path: Path, compilation: Compilation): Credential["inject"] {
  const { header: written, prefix } = compilation.parts(InjectionSchema, value);
  if (prefix !== undefined && /[^\x20-\x7e]/.test(prefix)) {
    const at = [...path, "prefix"];
    compilation.problem("header-invalid", at, `${named(at)} has a character that no header holds`);
  }
  if (written === undefined) return undefined;
  const header = compilation.take(parseHeaderName(written), "header-invalid", [...path, "header"], written);
  return header === undefined ? undefined : { header, ...(prefix === undefined ? {} : { prefix }) };
}

function envName(text: string, path: Path, compilation: Compilation): void {
  if (!ENV_NAME.test(text)) {
    compilation.problem(
      "env-name-invalid",
      path,
      `${quote(text)} cannot name an environment variable`,
      "name it without $",
    );
  } else if (text.startsWith("HARDLINE_")) {
    compilation.problem("env-name-reserved", path, `${text} is Hardline's own to set`, "choose another name");
  }
}

/** RFC 9110 section 5.1, in lower case: header names do not differ by case. */
function parseHeaderName(text: string): Parsed<string> {
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/.test(text))
    return refused("is not a header name", "write it as in x-api-key");
  const lower = text.toLowerCase();
  return FRAMING_HEADERS.includes(lower) ? refused("is a header that frames the request") : accepted(lower);
}

export function compileOperatorGroup(
  _name: string,
  value: unknown,
  path: Path,
  compilation: Compilation,
): OperatorGroup | undefined {
  const { users } = compilation.parts(OperatorGroupSchema, value);
  if (users === undefined) return undefined;
  const at = [...path, "users"];
  for (const [index, user] of users.entries()) {
    if (/^[a-z_][a-z0-9_.-]{0,31}$/.test(user)) continue;
    compilation.problem(
      "user-invalid",
      [...at, index],
      `${quote(user)} is not the name of a user`,
      "write the login name",
    );
  }
  compilation.distinct(users, at);
  return { users };
}

export function compileAlert(value: unknown, path: Path, compilation: Compilation): Alert | undefined {
  compilation.exactlyOne(value, ["webhook", "command"], path);
  const { webhook, command } = compilation.parts(AlertSchema, value);
  if (command !== undefined) {
    compilation.command(command, [...path, "command"]);
    return { command };
  }
  if (webhook === undefined) return undefined;
  const url = compilation.take(parseServerUrl(webhook), "url-invalid", [...path, "webhook"], webhook);
  return url === undefined ? undefined : { webhook: url };
}

/** An HTTPS URL, or plain HTTP to this machine; without a user name, a password or a fragment. */
export function parseServerUrl(text: string): Parsed<string> {
  const url = URL.parse(text);
  if (url === null) return refused("is not a URL", "write it whole: https://host/path");
  if (url.username !== "" || url.password !== "")
    return refused("holds a user name or password", "name a credential instead");
  if (url.hash !== "") return refused("has a fragment, which is never sent");
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && local)) {
    return refused("is not HTTPS", "write https://; plain http:// is for this machine only");
  }
  return accepted(url.href);
}
