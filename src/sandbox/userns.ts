/** Why this host refuses namespaces to an ordinary user, and what its operator can do about it. */
import { existsSync, readFileSync } from "node:fs";

function setting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, "utf8").trim();
  } catch {
    return undefined;
  }
}

/** What the answer rests on, for tests; the default reads the host's. */
export interface NamespaceSettings {
  /** `/proc/sys/kernel/apparmor_restrict_unprivileged_userns` (Ubuntu 23.10 and later). */
  readonly apparmor: string | undefined;
  /** `/proc/sys/kernel/unprivileged_userns_clone` (Debian's and Arch's patch). */
  readonly clone: string | undefined;
  /** `/proc/sys/user/max_user_namespaces`. */
  readonly most: string | undefined;
  readonly container: boolean;
}

function currentSettings(): NamespaceSettings {
  return {
    apparmor: setting("kernel/apparmor_restrict_unprivileged_userns"),
    clone: setting("kernel/unprivileged_userns_clone"),
    most: setting("user/max_user_namespaces"),
    container: existsSync("/.dockerenv") || existsSync("/run/.containerenv"),
  };
}

const APPARMOR = `Ubuntu's AppArmor forbids user namespaces to programs without a profile
(kernel.apparmor_restrict_unprivileged_userns=1). Give bubblewrap one, once, as root:
  printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile bwrap /usr/bin/bwrap flags=(unconfined) {\\n  userns,\\n}\\n' \\
    > /etc/apparmor.d/bwrap && apparmor_parser -r /etc/apparmor.d/bwrap
This lets every program make user namespaces by way of bwrap; it is narrower than turning the restriction off.`;
const CONTAINER = `This is a container whose runtime forbids new namespaces or a fresh /proc. Run it with a seccomp profile and
an unmasked /proc that allow them (Docker and Podman: --security-opt seccomp=unconfined --security-opt
apparmor=unconfined --security-opt systempaths=unconfined; Kubernetes: hostUsers: false and procMount: Unmasked), or run
Hardline on the host and not in the container.`;

/** What to do, from what bubblewrap said and from the host's settings. Never empty. */
export function explainNamespaceFailure(said: string, settings: NamespaceSettings = currentSettings()): string {
  const causes: string[] = [];
  if (settings.most === "0")
    causes.push("User namespaces are turned off. As root: sysctl -w user.max_user_namespaces=15000");
  if (settings.clone === "0") {
    causes.push("User namespaces are for root only here. As root: sysctl -w kernel.unprivileged_userns_clone=1");
  }
  if (settings.apparmor === "1") causes.push(APPARMOR);
  if (settings.container) causes.push(CONTAINER);
  if (causes.length > 0) return causes.join("\n");
  if (said.includes("--disable-userns")) return "Install bubblewrap 0.8.0 or newer.";
  return "No known setting explains it: a security module or a container runtime may refuse the call that bubblewrap names.";
}
