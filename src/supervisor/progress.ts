import type { Progress } from "../sandbox/store/build.ts";

const WIDTH = 24;

/** A bar on a terminal's standard error while sealing takes long; nothing anywhere else. */
export function sealingProgress(): Progress {
  if (!process.stderr.isTTY) return () => undefined;
  return ({ files, of, bytes }) => {
    const filled = Math.round((files / Math.max(1, of)) * WIDTH);
    const bar = `${"█".repeat(filled)}${"░".repeat(WIDTH - filled)}`;
    const line = `sealing ${bar} ${files}/${of} files, ${(bytes / 1e6).toFixed(0)} MB`;
    process.stderr.write(files === of ? "\r\x1b[K" : `\r${line}`);
  };
}
