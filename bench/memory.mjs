/** (c) Memory of the supervisor beside a running agent, and of the small processes between them. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { table } from "./measure.mjs";

const field = (pid, name) =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

function descendants(pid) {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const parents = new Map();
  for (const each of all) {
    try {
      parents.set(Number(each), field(each, "PPid"));
    } catch {
      // It ended while we looked.
    }
  }
  const below = (of) =>
    [...parents].filter(([, parent]) => parent === of).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

export async function benchMemory(host) {
  const policy = host.project("memory", { mutable: ["state"] });
  const argv = [...host.hardline(policy), "--", "sleep", "4"];
  const rows = [];
  const supervisors = [];
  for (const start of ["first start: policy and programs were parsed", "later start"]) {
    const child = spawn(argv[0], argv.slice(1), { stdio: "ignore", env: { PATH: "/usr/bin:/bin" } });
    await sleep(2500);
    supervisors.push(field(child.pid, "VmRSS") / 1024);
    rows.push([`supervisor, ${start}`, supervisors.at(-1).toFixed(1)]);
    if (supervisors.length === 2) {
      for (const pid of descendants(child.pid)) {
        rows.push([readFileSync(`/proc/${pid}/comm`, "utf8").trim(), (field(pid, "VmRSS") / 1024).toFixed(1)]);
      }
    }
    await new Promise((resolve) => child.once("exit", resolve));
  }
  const bare = spawn(host.node, ["-e", "setTimeout(() => {}, 3000)"], { stdio: "ignore" });
  await sleep(1000);
  rows.push(["bare Node.js, for comparison", (field(bare.pid, "VmRSS") / 1024).toFixed(1)]);
  bare.kill();
  return {
    title: "(c) Memory beside a running agent",
    aims: [["supervisor under 80 MiB", Math.max(...supervisors), 80]],
    text: table(["process", "resident MiB"], rows),
  };
}
