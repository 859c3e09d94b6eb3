/** Past the directory: other people's files, the host's network, and the time after the run. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { inRoot, record } from "./acts.mjs";

/** @param {{ token: string }} host where a cloud token lies in the home directory next door */
export async function home({ token }) {
  const { acts, mine, notMine } = record();
  await mine("read limits.js", () => readFileSync(inRoot("limits.js")));
  let read = null;
  await notMine("read the cloud token in the home directory", () => {
    read = readFileSync(token, "utf8");
  });
  return { acts, read };
}

/** @param {{ pid: number, token: string }} host a process outside, through whose /proc entry its files can be seen */
export async function launcher({ pid, token }) {
  const { acts, mine, notMine } = record();
  await mine("read limits.js by /proc/self/root", () => readFileSync(`/proc/self/root${inRoot("limits.js")}`));
  let read = null;
  await notMine("read the token by /proc/<launcher>/root", () => {
    read = readFileSync(`/proc/${pid}/root${token}`, "utf8");
  });
  return { acts, read };
}

function reach(where) {
  return new Promise((resolve, reject) => {
    const socket = connect(where);
    socket.setTimeout(5_000, () => socket.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}

/** @param {{ port: number, socket: string }} host a service on the host's loopback, and one on an abstract socket */
export async function network({ port, socket }) {
  const { acts, mine, notMine } = record();
  await mine("listen on my own loopback and connect", async () => {
    const server = createServer((peer) => peer.destroy());
    await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
    await reach({ host: "127.0.0.1", port: server.address().port });
    server.close();
  });
  const tcp = await notMine("connect to a service on the host's loopback", () => reach({ host: "127.0.0.1", port }));
  const unix = await notMine("connect to an abstract socket of the host", () => reach({ path: `\0${socket}` }));
  return { acts, reached: tcp || unix };
}

/** A process that has left its parents and its terminal, hears no signal, and beats. */
export async function outlive() {
  const { acts, mine } = record();
  const beat = inRoot("state/heartbeat");
  await mine("leave a process behind that ignores signals", async () => {
    spawn(process.execPath, [fileURLToPath(new URL("./daemon.mjs", import.meta.url)), "fork", beat], {
      detached: true,
      stdio: "ignore",
    }).unref();
    for (const end = Date.now() + 10_000; !existsSync(beat); await sleep(20)) {
      if (Date.now() > end) throw Object.assign(new Error("no heartbeat"), { code: "ETIMEDOUT" });
    }
  });
  return { acts };
}
