import { describe, expect, test } from "vitest";
import { explainNamespaceFailure, type NamespaceSettings } from "./userns.ts";

const NOTHING: NamespaceSettings = { apparmor: undefined, clone: undefined, most: undefined, container: false };
const SAID = "bwrap: No permissions to create new namespace";

describe("a cause that the host's settings tell is named with its remedy:", () => {
  test.each<[string, Partial<NamespaceSettings>, readonly string[]]>([
    ["turned off", { most: "0" }, ["User namespaces are turned off.", "sysctl -w user.max_user_namespaces=15000"]],
    [
      "for root only",
      { clone: "0" },
      ["User namespaces are for root only here.", "sysctl -w kernel.unprivileged_userns_clone=1"],
    ],
    [
      "AppArmor's restriction",
      { apparmor: "1" },
      [
        "Ubuntu's AppArmor forbids user namespaces to programs without a profile",
        "kernel.apparmor_restrict_unprivileged_userns=1",
        "profile bwrap /usr/bin/bwrap flags=(unconfined) {\\n  userns,\\n}",
        "> /etc/apparmor.d/bwrap && apparmor_parser -r /etc/apparmor.d/bwrap",
      ],
    ],
    [
      "a container",
      { container: true },
      [
        "This is a container whose runtime forbids new namespaces or a fresh /proc.",
        "--security-opt seccomp=unconfined",
        "hostUsers: false and procMount: Unmasked",
      ],
    ],
  ])("%s", (_, setting, sentences) => {
    const said = explainNamespaceFailure(SAID, { ...NOTHING, ...setting });
    for (const sentence of sentences) expect(said).toContain(sentence);
    expect(said).not.toContain("No known setting");
  });

  test("several at once are all named", () => {
    const said = explainNamespaceFailure(SAID, { apparmor: "1", clone: "0", most: "0", container: true });
    for (const part of ["turned off", "for root only", "AppArmor", "container"]) expect(said).toContain(part);
  });
});

test.each<Partial<NamespaceSettings>>([{ most: "15000" }, { clone: "1" }, { apparmor: "0" }, {}])(
  "a setting that allows it is not blamed: %j",
  (setting) => {
    expect(explainNamespaceFailure(SAID, { ...NOTHING, ...setting })).toBe(
      "No known setting explains it: a security module or a container runtime may refuse the call that bubblewrap names.",
    );
  },
);

test("a bubblewrap that does not know the option is told from a host that refuses", () => {
  expect(explainNamespaceFailure("bwrap: Unknown option --disable-userns", NOTHING)).toBe(
    "Install bubblewrap 0.8.0 or newer.",
  );
});

test("this host's own settings can be read, whatever they are", () => {
  expect(explainNamespaceFailure(SAID)).not.toBe("");
});
