/** K1: the keys in the session keyring of the caller, which no namespace separates. */
import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import { hasProgram } from "../abilities.ts";
import { AttackScript, text } from "../support/attack-program.ts";
import { describeSandbox } from "../support/matrix.ts";

const SESSION_KEYRING = -3;
const USER_KEYRING = -4;
const KEYCTL = { GET_KEYRING_ID: 0, JOIN_SESSION: 1, DESCRIBE: 6, SEARCH: 10, READ: 11 } as const;
const name = `hardline-secret-${randomBytes(4).toString("hex")}`;

/** Starts in a session keyring that holds a key, as an agent's launcher with a login session has one. */
const WRAPPER = [
  ...["/usr/bin/keyctl", "session", "-", "/bin/sh", "-c"],
  ...[`keyctl add user ${name} s3cret @s >/dev/null && exec "$@"`, "with-a-key"],
];

function readKeys(): AttackScript {
  const script = new AttackScript();
  script.attempt("search", "keyctl", [KEYCTL.SEARCH, SESSION_KEYRING, text("user"), text(name), 0]).keep("key");
  script.attempt("read", "keyctl", [KEYCTL.READ, { slot: "key" }, { address: "payload" }, 64, 0]);
  script.attempt("describe", "keyctl", [KEYCTL.DESCRIBE, { slot: "key" }, 0, 0, 0]);
  script.attempt("search with high bits", "keyctl", [
    (1n << 32n) | BigInt(KEYCTL.SEARCH),
    SESSION_KEYRING,
    text("user"),
    text(name),
    0,
  ]);
  script.attempt("request_key", "request_key", [text("user"), text(name), 0, 0]);
  script.attempt("add_key", "add_key", [text("user"), text(`${name}-own`), text("x"), 1, SESSION_KEYRING]);
  script.attempt("the user's keyring", "keyctl", [KEYCTL.GET_KEYRING_ID, USER_KEYRING, 0, 0, 0]);
  script.attempt("join another", "keyctl", [KEYCTL.JOIN_SESSION, 0, 0, 0, 0]);
  return script.buffer("payload", 64);
}

describeSandbox("K1: the caller's keyring", ["root", "list"], (bench) => {
  const withKeys = hasProgram("keyctl") ? bench.test : bench.test.skipIf(true);

  withKeys("cannot be asked for anything", async () => {
    const script = readKeys();
    const { answers } = await bench.lab.attack(script, { wrapper: WRAPPER });
    expect(answers).toEqual(Object.fromEntries(script.attempts.map((attempt) => [attempt.name, "EPERM"])));
  });

  withKeys("does not show in /proc either, not even by name", async () => {
    const { status, stdout } = await bench.lab.run(["/bin/sh", "-c", "cat /proc/keys /proc/key-users; echo read"], {
      wrapper: WRAPPER,
    });
    expect(status).toBe(0);
    expect(stdout.toString()).toContain("read");
    expect(stdout.toString()).not.toContain(name);
  });

  withKeys("the control: outside the same program finds and reads the key", async () => {
    const { answers, values } = await bench.lab.control(readKeys(), { wrapper: WRAPPER });
    for (const call of ["search", "read", "describe", "request_key", "add_key", "join another"])
      expect(answers[call], call).toBe("ok");
    expect(values["read"]).toBe("s3cret".length);
  });
});
