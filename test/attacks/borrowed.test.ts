/**
 * F5, F8, K5: authority that comes from beside the sandbox and not from within it: files on standard descriptors, links in
 * `read:`, another run's descriptors, a mount that is taken away from outside.
 */
import { existsSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { start } from "../support/hardline.ts";
import { SEALED_TEXT } from "../support/lab.ts";
import { ALL_SHAPES, describeSandbox } from "../support/matrix.ts";

/** In a shell: so that standard descriptors are files and not the test's pipes. */
const shell = (line: string, ...words: readonly string[]): string[] => ["/bin/sh", "-c", line, "sh", ...words];

describeSandbox("F8: a file on a standard descriptor", ["root", "list"], (bench) => {
  bench.test("cannot be opened anew for writing, and is read all the same", async () => {
    const { lab } = bench;
    const script = 'cat; echo "daily loss cap: -50" > /proc/self/fd/0; echo "answer $?"';
    // The control: without Hardline the same user writes to the file that it was only given to read.
    const plain = lab.write("input.txt", SEALED_TEXT);
    const control = shell('exec /bin/sh -c "$1" < "$2"', script, plain);
    expect((await start(control, { as: lab.as }).ended).stdout.toString()).toContain("answer 0");
    expect(readFileSync(plain, "utf8")).toBe("daily loss cap: -50\n");

    const line = shell('input=$1; shift; exec "$@" < "$input"', lab.limits, ...lab.words("/bin/sh", "-c", script));
    const { status, stdout } = await start(line, { as: lab.as, cwd: lab.project }).ended;
    expect(status).toBe(0);
    expect(stdout.toString()).toContain(SEALED_TEXT);
    expect(readFileSync(lab.limits, "utf8")).toBe(SEALED_TEXT);
  });

  bench.test("is read from its beginning also where the policy has changed since the last start", async () => {
    const { lab } = bench;
    const input = lab.write("input.txt", "first\nlast\n");
    const line = shell('input=$1; shift; exec "$@" < "$input"', input, ...lab.words("/bin/cat"));
    for (const policy of [[], ["    env: { CHANGED: yes }"], []]) {
      lab.writePolicy(policy);
      const { status, stdout, stderr } = await start(line, { as: lab.as, cwd: lab.project }).ended;
      expect(status, stderr).toBe(0);
      expect(stdout.toString()).toBe("first\nlast\n");
    }
  });

  bench.test("keeps what was in it when it is an output that is appended to", async () => {
    const { lab } = bench;
    const log = lab.write("audit.log", "earlier\n");
    const script = ": > /proc/self/fd/1; echo new; echo worse >&2";
    const control = shell('log=$1; shift; exec "$@" >> "$log" 2>&1', log, "/bin/sh", "-c", script);
    await start(control, { as: lab.as }).ended;
    expect(readFileSync(log, "utf8")).not.toContain("earlier");

    lab.write("audit.log", "earlier\n");
    const line = shell('log=$1; shift; exec "$@" >> "$log" 2>&1', log, ...lab.words("/bin/sh", "-c", script));
    expect((await start(line, { as: lab.as, cwd: lab.project }).ended).status).toBe(0);
    expect(readFileSync(log, "utf8")).toBe("earlier\nnew\nworse\n");
  });
});

describeSandbox("F4: a stand-in that somebody takes away on the host", ["list", "map"], (bench) => {
  bench.test("ends the agent before it can put its own there", async () => {
    const { lab } = bench;
    const name = join(lab.project, "absent.txt");
    const script = `while :; do echo mine > ${name} && echo WROTE; done 2>/dev/null & echo ready; sleep 60`;
    const running = lab.start(["/bin/sh", "-c", script]);
    await new Promise((resolve) => running.child.stdout?.once("data", resolve));
    expect(existsSync(name)).toBe(true);
    rmSync(name);
    const { status, stderr } = await running.ended;
    expect(status).toBe(125);
    expect(stderr).toContain("a mount of the sandbox changed while the agent ran");
    // In the microseconds in between it may have written. Then the name is told, so that nobody seals it unseen.
    const isThere = existsSync(name);
    if (bench.shape === "list") expect(stderr.includes(`${name}" is not what was sealed`)).toBe(isThere);
    rmSync(name, { force: true });
  });
});

describeSandbox("F5: a link in read:", ALL_SHAPES, (bench) => {
  bench.test("is refused, and a directory in the same place is shown", async () => {
    const { lab } = bench;
    lab.write("private/key", "secret\n");
    const shared = lab.mkdir("shared");
    lab.writePolicy();
    const before = readFileSync(lab.policyFile, "utf8");
    const link = join(shared, "current");
    lab.write("hardline.yaml", before.replace("read: [", `read: [${JSON.stringify(link)}, `));
    try {
      lab.write("shared/current/key", "public\n");
      const control = await lab.run(["/bin/cat", join(link, "key")]);
      expect(control.stdout.toString(), control.stderr).toBe("public\n");

      rmSync(link, { recursive: true });
      symlinkSync(join(lab.directory, "private"), link);
      const { status, stdout, stderr } = await lab.run(["/bin/cat", join(link, "key")]);
      expect(status).toBe(125);
      expect(stdout.toString()).toBe("");
      expect(stderr).toContain("symlink-in-path");
    } finally {
      lab.write("hardline.yaml", before);
    }
  });

  bench.test("does not show Hardline's own state", async () => {
    const { lab } = bench;
    lab.writePolicy();
    const before = readFileSync(lab.policyFile, "utf8");
    lab.write("hardline.yaml", before.replace("read: [", `read: [${JSON.stringify(join(lab.stateDir, "runs"))}, `));
    const { status, stderr } = await lab.run(["/bin/true"]);
    lab.write("hardline.yaml", before);
    expect(status).toBe(125);
    expect(stderr).toContain("state directory");
  });
});

describeSandbox("F8: a run under another policy", ["root"], (bench) => {
  bench.test("cannot lend what it was allowed: the two do not run at once", async () => {
    const { lab } = bench;
    lab.writePolicy();
    const loose = lab.start(["/bin/sh", "-c", "echo ready; sleep 60"]);
    await new Promise((resolve) => loose.child.stdout?.once("data", resolve));
    // The control: under the same policy two run at once.
    expect((await lab.run(["/bin/true"])).status).toBe(0);
    lab.writePolicy(["    env: { TIGHTER: yes }"]);
    const { status, stderr } = await lab.run(["/bin/true"]);
    expect(status).toBe(125);
    expect(stderr).toContain("under another policy");
    loose.child.kill("SIGKILL");
    await loose.ended;
    await expect.poll(async () => (await lab.run(["/bin/true"])).status, { timeout: 10_000 }).toBe(0);
  });
});

describeSandbox("F13: directories without end in a mutable place", ["root"], (bench) => {
  bench.test("do not keep the next start from starting", async () => {
    const { lab } = bench;
    const script = `cd ${lab.state} && i=0 && while [ $i -lt 1500 ]; do mkdir d && cd -P d || exit 1; i=$((i+1)); done`;
    expect((await lab.run(["/bin/sh", "-c", script])).status).toBe(0);
    const { status, stderr } = await lab.run(["/bin/true"]);
    expect(status, stderr).toBe(0);
  });
});

describeSandbox("F4: what somebody puts in a stand-in's place meanwhile", ["list"], (bench) => {
  bench.test("is not taken away with it", async () => {
    const { lab } = bench;
    const name = join(lab.project, "absent.txt");
    const running = lab.start(["/bin/sh", "-c", "echo ready; sleep 1"]);
    await new Promise((resolve) => running.child.stdout?.once("data", resolve));
    lab.write("desk/absent.txt", "important\n");
    expect((await running.ended).status).toBe(0);
    expect(readFileSync(name, "utf8")).toBe("important\n");
    rmSync(name);
    // The control: an empty one is.
    expect((await lab.run(["/bin/true"])).status).toBe(0);
    expect(existsSync(name)).toBe(false);
  });
});

describeSandbox("F8: a lease on a file that others share", ALL_SHAPES, (bench) => {
  bench.test("is refused, inside and only inside", async () => {
    const { lab } = bench;
    const own = lab.write("own.txt", "own\n");
    // F_SETLEASE with F_WRLCK, on a file that nobody else has open.
    const script = `import fcntl, os, sys
try: fcntl.fcntl(os.open(sys.argv[1], os.O_RDONLY), 1024, 1); print("leased")
except OSError as error: print(error.errno)`;
    const words = ["/usr/bin/python3", "-c", script];
    expect((await lab.runWords([...words, own])).stdout.toString()).toBe("leased\n");
    expect((await lab.run([...words, lab.limits])).stdout.toString()).toBe("1\n");
  });
});
