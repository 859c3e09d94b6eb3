/** I4, I5, I7: what programs obey at their start, where they look for other programs, and the edited copy. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect } from "vitest";
import { start } from "../support/hardline.ts";
import { IS_ROOT } from "../support/identity.ts";
import { FORGED_LIMIT, NODE, NODE_DIRECTORY, PERL, PYTHON, SEALED_LIMIT } from "../support/interpreter-attacks.ts";
import { type Bench, describeSandbox } from "../support/matrix.ts";
import { runProcesses } from "../support/truth.ts";

const FILES: Readonly<Record<string, string>> = {
  "code/main.py": "import limits\nprint(limits.CAP)\n",
  "code/limits.py": "CAP = -5\n",
  "code/main.cjs": 'console.log(require("./limits.js").cap);\n',
  "code/limits.js": "exports.cap = -5;\n",
  "code/main.pl": 'print "$ENV{CAP_OR_DEFAULT}-5\\n";\n',
  "code/main.sh": "cap=-5\necho $cap\n",
};

/** What the variables of the caller's name: code that makes the limit another. */
const EVIL: Readonly<Record<string, string>> = {
  "state/evil.cjs": 'require("../code/limits.js").cap = -50;\n',
  "state/sitecustomize.py":
    "import sys; sys.path.insert(0, __file__.rsplit('/', 2)[0] + '/code'); import limits; limits.CAP = -50\n",
  "state/evil.sh": "echo -50; exit 0\n",
  "state/Evil.pm": 'package Evil; print "-50\\n"; exit 0; 1;\n',
};

interface Interpreter {
  readonly name: string;
  readonly argv: readonly string[];
  /** The variable by which the caller's environment would make it obey. */
  readonly variables: (state: string) => Readonly<Record<string, string>>;
}

const INTERPRETERS: readonly Interpreter[] = [
  {
    name: "Node.js",
    argv: [NODE, "code/main.cjs"],
    variables: (state) => ({ NODE_OPTIONS: `--require=${state}/evil.cjs` }),
  },
  { name: "Python", argv: [PYTHON, "code/main.py"], variables: (state) => ({ PYTHONPATH: state }) },
  { name: "Perl", argv: [PERL, "code/main.pl"], variables: (state) => ({ PERL5OPT: "-MEvil", PERL5LIB: state }) },
  { name: "bash", argv: ["/bin/bash", "code/main.sh"], variables: (state) => ({ BASH_ENV: `${state}/evil.sh` }) },
];

/** Names by which some loader, interpreter or tool would be steered; none of them may reach the agent. */
const STEERING = {
  LD_PRELOAD: "/nowhere/evil.so",
  LD_LIBRARY_PATH: "/nowhere",
  LD_AUDIT: "/nowhere/evil.so",
  GCONV_PATH: "/nowhere",
  PYTHONSTARTUP: "/nowhere/start.py",
  PYTHONHOME: "",
  RUBYOPT: "-W0",
  npm_config_node_options: "--require=/nowhere/evil.cjs",
  ENV: "/nowhere/profile",
  GIT_CONFIG_GLOBAL: "/nowhere/gitconfig",
  SSH_AUTH_SOCK: "/nowhere/agent.sock",
  DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere",
  AWS_SECRET_ACCESS_KEY: "not for the agent",
  IFS: "x",
};

/** What the agent's environment is made of, and nothing else. */
const OWN_NAMES = [
  "HARDLINE_AGENT",
  "HOME",
  "LANG",
  "PATH",
  "PWD",
  "PYTHONNOUSERSITE",
  "PYTHONPYCACHEPREFIX",
  "TERM",
  "TMPDIR",
  "TZ",
];

function furnish({ lab }: Bench): void {
  for (const [path, content] of Object.entries({ ...FILES, ...EVIL })) lab.write(join("desk", path), content);
}

const OPTIONS = { sealed: "[limits.txt, code]", read: [NODE_DIRECTORY] };

describeSandbox(
  "I4: start-up files and variables",
  ["root", "list"],
  (bench) => {
    beforeAll(() => {
      if (bench.isPossible) furnish(bench);
    });

    bench.test.each(INTERPRETERS)("$name: the caller's variables do not reach it", async ({ argv, variables }) => {
      const { lab } = bench;
      const env = variables(lab.state);
      const outside = await start(argv, { as: lab.as, cwd: lab.project, env }).ended;
      expect(outside.stdout.toString(), "the control").toBe(`${FORGED_LIMIT}\n`);
      const inside = await lab.run(argv, { env });
      expect({ status: inside.status, stdout: inside.stdout.toString() }).toEqual({
        status: 0,
        stdout: `${SEALED_LIMIT}\n`,
      });
    });

    bench.test("no variable of the caller's is in the agent's environment, as seen from outside", async () => {
      const { lab } = bench;
      // What would steer Hardline's own interpreter is the operator's business; what reaches the agent is not.
      const run = lab.start(["/bin/sleep", "60"], {
        env: { ...STEERING, LD_PRELOAD: "", LD_AUDIT: "", ANYTHING: "else" },
      });
      const { agent, gate } = await runProcesses(run.pid);
      const names = (pid: number): string[] =>
        readFileSync(`/proc/${pid}/environ`, "utf8")
          .split("\0")
          .map((entry) => entry.split("=")[0] ?? "")
          .filter((name) => name !== "");
      // The gate lets nobody but root look at it.
      const seen = { agent: names(agent), gate: names(IS_ROOT ? gate : agent) };
      process.kill(run.pid, "SIGTERM");
      await run.ended;
      expect(seen.agent).toContain("PATH");
      expect(seen.agent.filter((name) => !OWN_NAMES.includes(name))).toEqual([]);
      expect(seen.gate).toEqual(seen.agent);
    });

    bench.test("what is written into its home is gone at the next start", async () => {
      const { lab } = bench;
      const plant = [
        "mkdir -p ~/.local/lib/python3/site-packages ~/.config",
        "for file in .bashrc .profile .npmrc .gitconfig .pythonrc.py .perltidyrc; do echo evil > ~/$file; done",
        "ls -A ~ | wc -l",
      ];
      const first = await lab.run(["/bin/sh", "-c", plant.join("; ")]);
      expect(Number(first.stdout.toString())).toBeGreaterThanOrEqual(8);
      const second = await lab.run(["/bin/sh", "-c", "ls -A ~; ls -A /tmp"]);
      expect(
        second.stdout
          .toString()
          .split("\n")
          .filter((name) => name !== "" && name !== "home"),
      ).toEqual([]);
    });

    bench.test("no directory from which programs load by themselves can be written", async () => {
      const { lab } = bench;
      const places = [
        "/usr/lib/python3/dist-packages",
        "/usr/local/lib",
        "/usr/lib",
        "/etc",
        "/etc/ssl",
        "/usr/share/perl",
        "/",
        "/lib",
      ];
      const there = places.filter((path) => existsSync(path));
      const script = there.map((path) => `( : > ${path}/evil.pth ) 2>&1 | sed 's/.*: //'`).join("; ");
      const { stdout } = await lab.run(["/bin/sh", "-c", script]);
      expect(stdout.toString().trim().split("\n")).toEqual(there.map(() => "Read-only file system"));
      expect(there.filter((path) => existsSync(join(path, "evil.pth")))).toEqual([]);
    });
  },
  OPTIONS,
);

describeSandbox(
  "I5: a program of the same name",
  ["root", "list"],
  (bench) => {
    bench.test("no directory on the agent's PATH can be written, and none is relative", async () => {
      const script = 'echo "$PATH"; IFS=:; for place in $PATH; do ( : > "$place/date" ) 2>&1 | sed "s/.*: //"; done';
      const { stdout } = await bench.lab.run(["/bin/sh", "-c", script]);
      const [path, ...answers] = stdout.toString().trim().split("\n");
      const places = path?.split(":") ?? [];
      expect(places.length).toBeGreaterThan(3);
      for (const place of places) expect(place).toMatch(/^\/(usr\/)?(local\/)?s?bin$/);
      expect(answers).toHaveLength(places.length);
      for (const answer of answers) expect(answer).toBe("Read-only file system");
    });

    bench.test("a planted program is not found; with the caller's PATH outside it is", async () => {
      const { lab } = bench;
      const plant = "printf '#!/bin/sh\\necho forged\\n' > state/date && chmod +x state/date && date +real";
      const env = { PATH: `${lab.state}:.:/usr/bin:/bin` };
      const inside = await lab.run(["/bin/sh", "-c", plant], { env });
      expect({ status: inside.status, stdout: inside.stdout.toString() }).toEqual({ status: 0, stdout: "real\n" });
      const outside = await start(["/bin/sh", "-c", "date +real"], { as: lab.as, cwd: lab.project, env }).ended;
      expect(outside.stdout.toString()).toBe("forged\n");
    });

    bench.test("a policy that puts a mutable or relative directory on the PATH is refused by name", async () => {
      const { lab } = bench;
      for (const [path, id] of [
        [lab.state, "search-path-mutable"],
        [".", bench.shape === "root" ? "search-path-relative" : "search-path-mutable"],
      ] as const) {
        lab.writePolicy([`    env: { PATH: "${path}:/usr/bin:/bin" }`]);
        const { status, stderr } = await lab.run(["/bin/true"]);
        expect(status, path).toBe(125);
        expect(stderr).toContain(id);
      }
      lab.writePolicy(['    env: { PATH: "/usr/bin:/bin" }']);
      expect((await lab.run(["/bin/true"])).status).toBe(0);
    });
  },
  OPTIONS,
);

describeSandbox(
  "I7: the edited copy",
  ["root", "list"],
  (bench) => {
    // Not a boundary, and not claimed to be one: a copy is a file of the agent's own. Limits that matter are kept elsewhere.
    bench.test("runs with another limit, and the sealed program stays as it is", async () => {
      furnish(bench);
      const { lab } = bench;
      const copy =
        "cp -r code state/copy && echo 'CAP = -50' > state/copy/limits.py && python3 state/copy/main.py; python3 code/main.py";
      const { status, stdout } = await lab.run(["/bin/sh", "-c", copy]);
      expect({ status, stdout: stdout.toString() }).toEqual({
        status: 0,
        stdout: `${FORGED_LIMIT}\n${SEALED_LIMIT}\n`,
      });
      expect(readFileSync(join(lab.project, "code/limits.py"), "utf8")).toBe(FILES["code/limits.py"]);
      const next = await lab.run([PYTHON, "code/main.py"]);
      expect(next.stdout.toString()).toBe(`${SEALED_LIMIT}\n`);
    });
  },
  OPTIONS,
);
