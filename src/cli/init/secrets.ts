/** What looks like a secret, by its name alone. No value is ever read into anything that is printed. */
import { join } from "node:path";
import type { Io } from "../io.ts";
import { isRealDirectory, list, readText } from "./files.ts";
import type { Secrets } from "./project.ts";

const VARIABLE =
  /(^|_)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|DATABASE_URL|DSN)(_ID|_FILE|_B64)?$/i;
const FILE =
  /^(\.env(\..+)?|\.netrc|\.pypirc|\.npmrc|id_(rsa|dsa|ecdsa|ed25519)|credentials(\.json)?|service[-_]?account.*\.json|.+\.(pem|key|p12|pfx|kdbx))$/i;
/** Written to be shared: names without values. */
const TEMPLATE = /\.(example|sample|template|dist)$/i;
const PLACES = ["", "secrets", ".secrets", "config", "keys", "certs"];

export function findSecrets(io: Io, directory: string): Secrets {
  const environment = Object.keys(io.environment).filter((name) => VARIABLE.test(name));
  const files: string[] = [];
  for (const place of PLACES) {
    if (place !== "" && !isRealDirectory(join(directory, place))) continue;
    for (const name of list(join(directory, place))) {
      const path = place === "" ? name : `${place}/${name}`;
      const isSecret = FILE.test(name) || place.endsWith("secrets");
      if (isSecret && !TEMPLATE.test(name) && !isHarmless(join(directory, path))) files.push(path);
    }
  }
  return { environment: environment.sort(), files: files.sort() };
}

/** An .npmrc without a token, an .env without a variable that looks like a secret. */
function isHarmless(path: string): boolean {
  const text = readText(path);
  if (text === undefined) return false;
  if (path.endsWith("/.npmrc")) return !/_(auth|authToken|password)\b/i.test(text);
  if (!/\/\.env(\.[^/]+)?$/.test(path)) return false;
  const names = text.split(/\r?\n/).map((line) => /^\s*(?:export\s+)?(\w+)\s*=/.exec(line)?.[1] ?? "");
  return !names.some((name) => VARIABLE.test(name));
}
