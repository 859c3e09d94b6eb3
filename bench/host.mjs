/** What the benchmarks run on: a directory of their own, small projects in it, and the commands to compare. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const checkout = dirname(here);

export function makeHost() {
  const directory = mkdtempSync("/var/tmp/hardline-bench-");
  const state = join(directory, "hardline-state");
  const bin = join(checkout, "bin", "hardline");
  const node = process.execPath;
  const srt = join(checkout, "node_modules/@anthropic-ai/sandbox-runtime/dist/cli.js");

  const policy = (name, lines) => {
    const file = join(directory, name, "hardline.yaml");
    mkdirSync(dirname(file), { recursive: true });
    const body = [...lines, "run: [/bin/true]", `read: [${dirname(dirname(node))}]`];
    writeFileSync(file, `version: 1\nagents:\n  bench:\n${body.map((line) => `    ${line}\n`).join("")}`);
    return file;
  };

  return {
    directory,
    state,
    bin,
    node,
    srt,
    policy,
    project(name, { mutable, copy = [] }) {
      const root = join(directory, name, "root");
      mkdirSync(join(root, "state"), { recursive: true });
      for (const file of copy) copyFileSync(join(here, file), join(root, file));
      return policy(name, ["root: ./root", `mutable: [${mutable.join(", ")}]`]);
    },
    hardline: (file) => [bin, "run", "--policy", file, "--state", state],
    bareBubblewrap(command, more = []) {
      const links = ["bin", "lib", "lib64"].flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]);
      const own = ["--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"];
      return ["/usr/bin/bwrap", ...own, "--ro-bind", "/usr", "/usr", ...links, ...more, "--", ...command];
    },
    pathWithNode: () => ({ PATH: `${dirname(node)}:/usr/bin:/bin` }),
    srtWorks(settings) {
      if (!existsSync(srt)) return false;
      const { status } = spawnSync(node, [srt, "--settings", settings, "true"], {
        env: { PATH: `${dirname(node)}:/usr/bin:/bin`, HOME: process.env.HOME ?? "/" },
      });
      return status === 0;
    },
    versions() {
      const own = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")).version;
      const peer = JSON.parse(readFileSync(join(dirname(dirname(srt)), "package.json"), "utf8")).version;
      const bubblewrap = spawnSync("/usr/bin/bwrap", ["--version"], { encoding: "utf8" }).stdout.trim();
      return [
        `Hardline ${own}, Node.js ${process.version}, ${bubblewrap}, @anthropic-ai/sandbox-runtime ${peer}`,
        `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${
          process.getuid() === 0 ? "as root" : "as an ordinary user"
        }`,
      ];
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
