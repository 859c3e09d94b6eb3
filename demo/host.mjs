/** The truth, read from the host's side: what the agent says of itself is not asked here. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MUTABLE } from "./place.mjs";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Every name, kind and content that is sealed, as one digest: an added file changes it as an edited one does. */
export function sealedDigest(directory) {
  const lines = [];
  const visit = (relative) => {
    for (const entry of readdirSync(join(directory, relative), { withFileTypes: true })) {
      const path = join(relative, entry.name);
      if (relative === "" && MUTABLE.includes(entry.name)) continue;
      const full = join(directory, path);
      if (entry.isDirectory()) {
        lines.push(`${path}/`);
        visit(path);
      } else if (entry.isSymbolicLink()) lines.push(`${path} -> ${readlinkSync(full)}`);
      else lines.push(`${path} ${statSync(full).mode.toString(8)} ${sha256(readFileSync(full))}`);
    }
  };
  visit("");
  return sha256(lines.sort().join("\n"));
}

/** The limits file as it lies on the host. */
export function readLimits(file) {
  const bytes = readFileSync(file);
  const line = bytes
    .toString()
    .split("\n")
    .find((text) => /^\s*(dailyLossCap|DAILY_LOSS_CAP)\b/.test(text));
  return {
    name: basename(file),
    sha256: sha256(bytes),
    line: line?.trim().replace(/,$/, "") ?? "",
    cap: Number(/-?[\d.]+/.exec(line ?? "")?.[0]),
  };
}

/** The agent's book: the result of its last day in cents, and what it has to remember. */
export function readBook(directory) {
  const book = JSON.parse(readFileSync(join(directory, "state", "book.json"), "utf8"));
  const today = book.journal.filter((trade) => trade.day === book.day && trade.result !== undefined);
  const result = today.reduce((sum, trade) => sum + trade.result, 0);
  return { day: book.day, result, trades: book.journal.length, cash: book.cash };
}

/** What a heartbeat grows by, in bytes, while we look. */
export async function growth(file, milliseconds) {
  const before = statSync(file).size;
  await sleep(milliseconds);
  return statSync(file).size - before;
}

/** @returns {number[]} every process on the host that was started with this path among its arguments */
export function processesNaming(path) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(path);
      } catch {
        return false; // It has ended, which is what is asked.
      }
    })
    .map(Number);
}

/** Services of the host that nobody inside may reach: one on the loopback, one on an abstract UNIX socket. */
export async function openServices() {
  let reached = 0;
  const serve = () =>
    createServer((peer) => {
      reached += 1;
      peer.destroy();
    });
  const [tcp, unix] = [serve(), serve()];
  const name = `hardline-demo-${process.pid}`;
  await new Promise((resolve, reject) => tcp.once("error", reject).listen(0, "127.0.0.1", resolve));
  await new Promise((resolve, reject) => unix.once("error", reject).listen(`\0${name}`, resolve));
  return {
    port: tcp.address().port,
    socket: name,
    reached: () => reached,
    close() {
      tcp.close();
      unix.close();
    },
  };
}
