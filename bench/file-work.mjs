/** The program of (b): file work in the directory it is given; prints milliseconds by phase as JSON. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";

const FILES = 10_000;
const LARGE_MIB = 256;
const place = `${process.argv[2]}/bench-${process.pid}`;
const phases = {};

function phase(name, act) {
  const started = process.hrtime.bigint();
  act();
  phases[name] = Number(process.hrtime.bigint() - started) / 1e6;
}

function each(act) {
  for (let index = 0; index < FILES; index += 1) act(`${place}/${index % 100}/f${index}`);
}

mkdirSync(place);
for (let index = 0; index < 100; index += 1) mkdirSync(`${place}/${index}`);
const content = Buffer.alloc(1024, 7);
phase("write 10,000", () => each((path) => writeFileSync(path, content)));
phase("stat 10,000", () => each((path) => statSync(path)));
phase("read 10,000", () => each((path) => readFileSync(path)));
phase("rename 10,000", () => each((path) => renameSync(path, `${path}.new`)));
const block = Buffer.alloc(1024 * 1024, 7);
phase(`write ${LARGE_MIB} MiB`, () => {
  const file = openSync(`${place}/large`, "w");
  for (let index = 0; index < LARGE_MIB; index += 1) writeSync(file, block);
  fsyncSync(file);
  closeSync(file);
});
phase(`read ${LARGE_MIB} MiB`, () => readFileSync(`${place}/large`));
rmSync(place, { recursive: true });
process.stdout.write(JSON.stringify(phases));
