/** K7: a host that lacks something must be a refusal with a remedy, never a sandbox with less. */
import { chmodSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { start } from "../support/hardline.ts";
import { IS_ROOT } from "../support/identity.ts";
import { type Bench, describeSandbox } from "../support/matrix.ts";

const BUBBLEWRAP = "/usr/bin/bwrap";

/** Root makes a mount namespace in which something lies over a path, and becomes whoever starts Hardline. */
function withOver({ lab }: Bench, over: string, path: string): string[] {
  const become = `setpriv --reuid ${lab.as.uid} --regid ${lab.as.gid} --clear-groups`;
  return ["/usr/bin/unshare", "-m", "/bin/sh", "-c", `mount --bind ${over} ${path} && exec ${become} "$@"`, "over"];
}

/**
 * A user namespace with everybody in it, in which no further one may be made. Its map is written from outside, and only
 * what is executed after that has root's rights in it.
 */
const FORBID = [
  "pipe=$(mktemp -u) && mkfifo $pipe",
  `unshare -Um sh -c 'read go < "$0" && exec sh -c "$@"' $pipe 'echo 0 > /proc/sys/user/max_user_namespaces && exec '"$0"' "$@"' forbidden "$@" &`,
  'until [ "$(readlink /proc/$!/ns/user)" != "$(readlink /proc/$$/ns/user)" ]; do sleep 0.01; done',
  "echo 0 0 4294967295 > /proc/$!/uid_map; echo 0 0 4294967295 > /proc/$!/gid_map",
  "echo go > $pipe; rm $pipe; wait $!",
].join("\n");

/** What an unfaithful bubblewrap leaves out or weakens, as a branch of a shell's `case`, and how that is noticed. */
const DROPPED: readonly (readonly [what: string, change: string, difference: string])[] = [
  ["no network namespace", "--unshare-net) shift ;;", "the net namespace is the supervisor's own"],
  ["no IPC namespace", "--unshare-ipc) shift ;;", "the ipc namespace is the supervisor's own"],
  ["capabilities are kept", "--cap-drop) words+=(--cap-add ALL); shift 2 ;;", "Cap"],
  ["sealed mounts are writable", "--ro-bind) words+=(--bind); shift ;;", "is not read-only"],
  ["the root is not closed", "--remount-ro) shift 2 ;;", "is not read-only"],
  [
    "something more is mounted",
    "--proc) words+=(--ro-bind /etc /mnt --proc); shift ;;",
    "/mnt is mounted and not planned",
  ],
  [
    "a variable more is set",
    "--clearenv) words+=(--clearenv --setenv SECRET of-the-host); shift ;;",
    "the environment has SECRET",
  ],
];

/** Starts an agent that says that it was started, in a host that was made poorer. */
async function refusal(bench: Bench, wrapper: readonly string[]): Promise<string> {
  const { lab } = bench;
  const words = lab.words("/bin/echo", "started");
  // The wrapper begins as root and ends as whom the lab is for.
  const root = { who: "root", uid: 0, gid: 0 } as const;
  const { status, stdout, stderr } = await start(words, {
    as: root,
    cwd: lab.project,
    wrapper,
    env: { HOME: lab.directory },
  }).ended;
  expect({ status, stdout: stdout.toString() }, stderr).toEqual({ status: 125, stdout: "" });
  return stderr;
}

describeSandbox("K7: a host that lacks something", ["root", "list"], (bench) => {
  const asRoot = IS_ROOT ? bench.test : bench.test.skipIf(true);
  const fake = (name: string, text: string): string => bench.lab.write(`fake/${name}`, text, 0o755);

  asRoot("the control: the same way of starting, with bubblewrap itself over it", async () => {
    const { lab } = bench;
    const same = join(lab.directory, "same-bwrap");
    copyFileSync(BUBBLEWRAP, same);
    chmodSync(same, 0o755);
    const root = { who: "root", uid: 0, gid: 0 } as const;
    const wrapper = withOver(bench, same, BUBBLEWRAP);
    const { status, stdout, stderr } = await start(lab.words("/bin/echo", "started"), {
      as: root,
      cwd: lab.project,
      wrapper,
    }).ended;
    expect({ status, stdout: stdout.toString() }, stderr).toEqual({ status: 0, stdout: "started\n" });
  });

  asRoot("bubblewrap is not there", async () => {
    const text = await refusal(bench, withOver(bench, "/dev/null", BUBBLEWRAP));
    expect(text).toContain("bubblewrap (bwrap) is not installed");
    expect(text).toContain("apt-get install bubblewrap");
  });

  asRoot("bubblewrap is too old", async () => {
    const text = await refusal(
      bench,
      withOver(bench, fake("old", '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.7.9\n'), BUBBLEWRAP),
    );
    expect(text).toContain("version 0.7.9; 0.8.0 or newer is needed");
  });

  asRoot("bubblewrap is set-uid root", async () => {
    const { lab } = bench;
    const setUid = join(lab.directory, "set-uid-bwrap");
    copyFileSync(BUBBLEWRAP, setUid);
    chmodSync(setUid, 0o4755);
    const text = await refusal(bench, withOver(bench, setUid, BUBBLEWRAP));
    expect(text).toContain("is set-uid root");
    expect(text).toContain("chmod u-s");
  });

  asRoot.each(DROPPED)("bubblewrap does not do what it is told: %s", async (_what, change, difference) => {
    const { lab } = bench;
    const real = join(lab.directory, "real-bwrap");
    copyFileSync(BUBBLEWRAP, real);
    chmodSync(real, 0o755);
    // A wrapper such as a distribution might put there: it answers as bubblewrap, and changes one word of what it is given.
    const script = [
      "#!/bin/bash",
      `[ "$1" = --version ] && exec ${real} --version`,
      "words=()",
      "while [ $# -gt 0 ]; do",
      `  case $1 in --) break ;; ${change} *) words+=("$1"); shift ;; esac`,
      "done",
      `exec ${real} "\${words[@]}" "$@"`,
    ];
    const text = await refusal(bench, withOver(bench, fake("unfaithful", `${script.join("\n")}\n`), BUBBLEWRAP));
    expect(text).toContain(difference);
  });

  asRoot("user namespaces are forbidden", async () => {
    const { lab } = bench;
    const become = lab.as.who === "user" ? `setpriv --reuid ${lab.as.uid} --regid ${lab.as.gid} --clear-groups` : "";
    const text = await refusal(bench, ["/bin/bash", "-c", FORBID, become]);
    expect(text).toMatch(/namespace/i);
    expect(text).toContain("hardline doctor");
  });

  bench.test("bubblewrap in a place of the caller's own is not asked", async () => {
    const { lab } = bench;
    lab.write("fake/path/bwrap", "#!/bin/sh\necho 'the wrong one' >&2; exit 1\n", 0o755);
    const env = { PATH: `${join(lab.directory, "fake/path")}:/usr/bin:/bin` };
    const { status, stderr } = await lab.run(["/bin/true"], { env });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
});
