/** F9 to F11: another view of the file system, made anew, by a namespace of one's own, or reached by a way back. */
import { existsSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type Answers, AttackScript } from "../support/attack-program.ts";
import { start } from "../support/hardline.ts";
import { changeMounts, makeNamespaces, NAMESPACES, reachHost } from "../support/kernel-attacks.ts";
import { type Bench, describeSandbox } from "../support/matrix.ts";
import { mounts, runProcesses, snapshot } from "../support/truth.ts";

const SHAPES = ["root", "list"] as const;

function all(names: readonly string[], answer: string): Answers {
  return Object.fromEntries(names.map((name) => [name, answer]));
}

const names = (script: AttackScript): string[] => script.attempts.map(({ name }) => name);

/** A place in which the same calls are permitted: namespaces of the caller's own, as whoever it is. */
function permissive({ who }: Bench): string[] {
  return who === "root" ? ["/usr/bin/unshare", "-m"] : ["/usr/bin/unshare", "-Urm"];
}

describeSandbox("F9: mounts", SHAPES, (bench) => {
  bench.test("none can be made, moved or taken away", async () => {
    const { lab } = bench;
    const before = { mounts: mounts(), project: snapshot(lab.project, ["state"]) };
    for (const sealed of [lab.project, join(lab.project, "code"), lab.limits]) {
      const script = changeMounts(new AttackScript(), sealed, lab.state);
      expect((await lab.attack(script)).answers, sealed).toEqual(all(names(script), "EPERM"));
    }
    expect(mounts()).toEqual(before.mounts);
    if (bench.shape === "root") expect(snapshot(lab.project, ["state"])).toEqual(before.project);
  });

  bench.test("the same calls succeed in namespaces of the caller's own", async (context) => {
    const { lab } = bench;
    const script = changeMounts(new AttackScript(), join(lab.directory, "sources"), lab.state);
    const possible = await start(["/bin/true"], { as: lab.as, wrapper: permissive(bench) }).ended;
    if (possible.status !== 0) return context.skip(`unshare is refused here: ${possible.stderr}`);
    const { answers } = await lab.control(script, { wrapper: permissive(bench) });
    // It was moved away before, which is the control for both.
    expect(answers).toEqual({ ...all(names(script), "ok"), "umount2 of the sealed directory": "EINVAL" });
  });
});

describeSandbox("F10: namespaces", SHAPES, (bench) => {
  const script = makeNamespaces(new AttackScript());
  const calls = names(script).filter((name) => !name.endsWith(": child"));

  bench.test("none can be made or entered", async () => {
    const { answers } = await bench.lab.attack(script);
    expect(answers).toEqual({
      ...all(names(script), "exit 0"),
      ...all(calls, "EPERM"),
      // Its flags lie in memory, where no filter can look: it does not exist, and programs take `clone`.
      clone3: "ENOSYS",
    });
  });

  bench.test("the same calls succeed outside", async (context) => {
    const { lab } = bench;
    const possible = await start(["/bin/true"], { as: lab.as, wrapper: ["/usr/bin/unshare", "-Ur"] }).ended;
    if (possible.status !== 0) return context.skip(`unshare is refused here: ${possible.stderr}`);
    const { answers } = await lab.control(script, { wrapper: ["/usr/bin/unshare", "-Ur"] });
    // The kernel does not let a process enter the user namespace that it is in already.
    expect(answers).toEqual({ ...all(names(script), "exit 0"), ...all(calls, "ok"), setns: "EINVAL" });
  });

  bench.test("without any filter the kernel's own count refuses a user namespace", async () => {
    const { lab } = bench;
    const run = lab.start(["/bin/sleep", "60"]);
    const { gate } = await runProcesses(run.pid);
    // Into the sandbox's user namespace from outside: no filter holds there, only the limit that bubblewrap has set.
    const enter = ["/usr/bin/nsenter", "--preserve-credentials", "-U", "-t", String(gate)];
    const inside = await start([...enter, "/usr/bin/unshare", "-U", "/bin/true"], { as: lab.as }).ended;
    const entered = await start([...enter, "/bin/true"], { as: lab.as }).ended;
    process.kill(run.pid, "SIGTERM");
    await run.ended;
    expect(entered, "the control: it can be entered").toMatchObject({ status: 0 });
    expect(inside.status).toBe(1);
    expect(inside.stderr).toContain("No space left on device");
  });

  bench.test("every namespace of the agent is its own, as seen from outside", async () => {
    const run = bench.lab.start(["/bin/sleep", "60"]);
    const { agent } = await runProcesses(run.pid);
    const kinds = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"];
    const seen = kinds.map((kind) => [
      kind,
      readlinkSync(`/proc/${agent}/ns/${kind}`) === readlinkSync(`/proc/self/ns/${kind}`),
    ]);
    process.kill(run.pid, "SIGTERM");
    await run.ended;
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(kinds.map((kind) => [kind, false])));
    expect(Object.keys(NAMESPACES)).toHaveLength(kinds.length + 1);
  });
});

/** What is not there, what is not the agent's to look at, and what it may do. */
const REACH: Answers = {
  "its path": "ENOENT",
  "/proc/self/root": "ENOENT",
  "/proc/self/root/..": "ENOENT",
  // Process 1 is Hardline's gate, which cannot be dumped: its links are not to be followed, its memory not to be opened.
  "/proc/1/root": "EACCES",
  "by /proc/1/root": "EACCES",
  "/proc/1/cwd": "EACCES",
  "/proc/1/fd": "EACCES",
  "/proc/1/mem": "EACCES",
  "/proc/1/environ": "EACCES",
  "/proc/1/exe": "EACCES",
  "the supervisor's root": "ENOENT",
  "the supervisor's cwd": "ENOENT",
  "up by ..": "ENOENT",
  "up by /proc/self/fd": "ENOTDIR",
  "up by /proc/self/cwd": "ENOENT",
  name_to_handle_at: "ok",
  open_by_handle_at: "EPERM",
  "mknod a block device": "EPERM",
  "mknod a character device": "EPERM",
  "mknod a pipe": "ok",
  "/dev/null": "ok",
  "/proc/sys/kernel/core_pattern": "EACCES",
  "/proc/sysrq-trigger": "ENOENT",
  "/proc/kcore": "ENOENT",
  "/sys/kernel": "ENOENT",
};

describeSandbox("F11: the host's view", SHAPES, (bench) => {
  bench.test("is not reached by any way back", async () => {
    const { lab } = bench;
    const run = lab.start(["/bin/sleep", "60"]);
    const { supervisor } = await runProcesses(run.pid);
    // In a workspace only one run may be at a time: the supervisor whose view is asked for is then the test itself.
    const pid = bench.shape === "root" ? supervisor : process.pid;
    if (bench.shape !== "root") {
      process.kill(run.pid, "SIGTERM");
      await run.ended;
    }
    const script = reachHost(new AttackScript(), { pid, file: lab.policyFile, own: lab.state });
    const { answers } = await lab.attack(script);
    if (bench.shape === "root") {
      process.kill(run.pid, "SIGTERM");
      await run.ended;
    }
    const devices = Object.entries(answers).filter(([name]) => name.startsWith("/dev/") && name !== "/dev/null");
    const rest = Object.fromEntries(
      Object.entries(answers).filter(([name]) => !devices.some(([device]) => device === name)),
    );
    const isThere = (name: string): boolean => existsSync(name);
    // Some of them do not exist in every kernel's view of itself; where they do, they are refused for who asks.
    expect(rest).toEqual({
      ...REACH,
      ...(isThere("/proc/sysrq-trigger") ? { "/proc/sysrq-trigger": expect.stringMatching(/^(EACCES|EROFS)$/) } : {}),
      ...(isThere("/proc/kcore") ? { "/proc/kcore": expect.stringMatching(/^(EACCES|EPERM)$/) } : {}),
    });
    for (const [name, answer] of devices) expect(answer, name).toBe(name === "/dev/ptmx/.." ? "ENOTDIR" : "ENOENT");
    expect(snapshot(lab.state)).not.toHaveProperty("sda");
    expect(snapshot(lab.state)["pipe"]?.kind).toBe("other");
  });

  bench.test("the same ways lead there outside", async () => {
    const { lab } = bench;
    const script = reachHost(new AttackScript(), {
      pid: process.pid,
      file: lab.policyFile,
      own: join(lab.directory, "sources"),
    });
    const { answers } = await lab.control(script);
    for (const name of [
      "its path",
      "/proc/self/root",
      "up by ..",
      "up by /proc/self/cwd",
      "/dev/null",
      "mknod a pipe",
      "name_to_handle_at",
    ]) {
      expect(answers[name], name).toBe("ok");
    }
    if (bench.who === "root") {
      for (const name of ["open_by_handle_at", "mknod a block device", "/sys/kernel", "the supervisor's root"]) {
        expect(answers[name], name).toBe("ok");
      }
    }
  });
});
