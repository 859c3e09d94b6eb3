/** Standard input, output and error are the caller's own, byte by byte; a terminal is a terminal. */
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasProgram } from "../abilities.ts";
import { start } from "../support/hardline.ts";
import { spawnAs } from "../support/identity.ts";
import { Desk, EVERYBODY } from "./desk.ts";

const MEBIBYTE = 1024 * 1024;

describe.each(EVERYBODY)("as %s", (who) => {
  let desk: Desk;
  beforeAll(() => {
    desk = new Desk(who);
  });
  afterAll(() => desk.remove());

  test("any bytes go in and come out again", async () => {
    const bytes = Buffer.concat([Buffer.from([0, 255, 254, 10, 13, 10, 26, 3, 4]), randomBytes(8 * MEBIBYTE)]);
    const started = desk.start(["cat"], { input: "pipe" });
    started.child.stdin?.end(bytes);
    const { status, stdout, stderr } = await started.ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout.length).toBe(bytes.length);
    expect(createHash("sha256").update(stdout).digest("hex")).toBe(createHash("sha256").update(bytes).digest("hex"));
  });

  test("output and error stay apart", async () => {
    const { stdout, stderr } = await desk.run(["sh", "-c", "echo out; echo err >&2; printf 'no newline'"]);
    expect(stdout.toString()).toBe("out\nno newline");
    expect(stderr).toBe("err\n");
  });

  test("the end of the input is seen", async () => {
    const started = desk.start(["sh", "-c", "cat > /dev/null; echo over"], { input: "pipe" });
    started.child.stdin?.write("some");
    started.child.stdin?.end();
    expect((await started.ended).stdout.toString()).toBe("over\n");
  });

  test("a reader that goes away ends the agent as it would outside", async () => {
    const script = '"$@" | head -n 1; exit "${PIPESTATUS[0]}"';
    const piped = await start(["bash", "-c", script, "bash", ...desk.words(["yes"])], { as: desk.as }).ended;
    expect(piped).toMatchObject({ status: 128 + 13, stderr: "" });
    expect(piped.stdout.toString()).toBe("y\n");
  });

  test("an agent that closes its output early does no harm", async () => {
    const { status, stdout } = await desk.run(["sh", "-c", "echo first; exec >&- 2>&-; exit 4"]);
    expect(status).toBe(4);
    expect(stdout.toString()).toBe("first\n");
  });

  test("files are written to and read from where they are, also such as the sandbox does not show", async () => {
    const file = desk.put("outside.txt", "from outside");
    const input = openSync(file, "r");
    const output = openSync(join(desk.directory, "taken.txt"), "w");
    try {
      const [program, ...words] = desk.words(["sh", "-c", "cat; ls /var/tmp; readlink /proc/self/fd/0"]);
      const child = spawn(program ?? "", words, { stdio: [input, output, "inherit"], ...spawnAs(desk.as), cwd: "/" });
      const [status] = await once(child, "close");
      expect(status).toBe(0);
    } finally {
      closeSync(input);
      closeSync(output);
    }
    expect(execFileSync("cat", [join(desk.directory, "taken.txt")], { encoding: "utf8" })).toContain("from outside");
  });

  test("a large file goes through whole, and the agent's last words with it", async () => {
    const bytes = randomBytes(16 * MEBIBYTE + 13);
    desk.put("large.bin", "");
    writeFileSync(join(desk.directory, "large.bin"), bytes);
    const command = desk.words(["sh", "-c", "cat; echo end; echo of it >&2"]);
    const script = `exec "$@" < ${desk.directory}/large.bin > ${desk.directory}/copy.bin 2>&1`;
    desk.put("copy.bin", "");
    const { status } = await start(["sh", "-c", script, "sh", ...command], { as: desk.as }).ended;
    expect(status).toBe(0);
    const copy = readFileSync(join(desk.directory, "copy.bin"));
    expect(copy.equals(Buffer.concat([bytes, Buffer.from("end\nof it\n")]))).toBe(true);
  });

  test("an agent that does not read its input to the end, nor its reader its output, ends all the same", async () => {
    writeFileSync(desk.put("large.bin", ""), Buffer.alloc(4 * MEBIBYTE, "line\n"));
    const command = desk.words(["head", "-n", "1"]);
    const script = `exec "$@" < ${desk.directory}/large.bin`;
    const { status, stdout } = await start(["sh", "-c", script, "sh", ...command], { as: desk.as }).ended;
    expect(status).toBe(0);
    expect(stdout.toString()).toBe("line\n");
  });

  test.each([0, 1, 2])(
    "a directory as descriptor %i is refused: the agent could walk out by it (F8)",
    async (descriptor) => {
      const directory = openSync("/", "r");
      try {
        const stdio: ("ignore" | "pipe" | number)[] = ["ignore", "pipe", "pipe"];
        stdio[descriptor] = directory;
        const [program, ...words] = desk.words(["/bin/echo", "started"]);
        const child = spawn(program ?? "", words, { stdio, ...spawnAs(desk.as), cwd: "/" });
        let text = "";
        for (const stream of [child.stdout, child.stderr]) {
          stream?.on("data", (bytes) => {
            text += bytes;
          });
        }
        const [status] = await once(child, "close");
        expect(status).toBe(125);
        expect(text).not.toContain("started");
        if (descriptor !== 2) expect(text).toContain(`hardline: standard descriptor ${descriptor} is a directory`);
      } finally {
        closeSync(directory);
      }
    },
  );

  test.skipIf(!hasProgram("script"))("a terminal is one inside, raw bytes and all", async () => {
    const line =
      'for d in 0 1 2; do [ -t $d ] && echo "tty $d"; done; stty size; stty raw -echo; echo ask; dd bs=1 count=4 2>/dev/null | od -An -tx1; stty sane; echo TERM=$TERM';
    const command = desk
      .words(["sh", "-c", line])
      .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
      .join(" ");
    const child = spawn("script", ["-qec", `stty rows 33 cols 99; ${command}`, "/dev/null"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { PATH: process.env["PATH"] ?? "", TERM: "xterm-256color", SHELL: "/bin/sh" },
      ...spawnAs(desk.as),
      cwd: "/",
    });
    let text = "";
    child.stdout.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
      // Control-C, control-Z, control-D and a byte that is no letter: none of them may act as one.
      if (text.includes("ask") && child.stdin.writable) child.stdin.end(Buffer.from([3, 26, 4, 0xff]));
    });
    const [status] = await once(child, "close");
    expect(text).toContain("tty 0\r\ntty 1\r\ntty 2\r\n33 99\r\n");
    expect(text).toContain("03 1a 04 ff");
    expect(text).toContain("TERM=xterm-256color");
    expect(status).toBe(0);
  });

  test("no terminal is none inside", async () => {
    const { stdout } = await desk.run(["sh", "-c", "for d in 0 1 2; do [ -t $d ] && echo tty; done; echo TERM=$TERM"], {
      env: { TERM: "xterm" },
    });
    // A shell that finds no terminal's type sets one of its own.
    expect(stdout.toString()).toMatch(/^TERM=(dumb)?\n$/);
  });
});

test("a long line in the policy's command is no trouble", async () => {
  const [who] = EVERYBODY;
  if (who === undefined) throw new Error("nobody can be anybody");
  const desk = new Desk(who);
  try {
    const long = "x".repeat(100_000);
    const { stdout } = await desk.run(["printf", "%s", long]);
    expect(stdout.toString()).toBe(long);
    writeFileSync(join(desk.directory, "done"), "");
  } finally {
    desk.remove();
  }
});
