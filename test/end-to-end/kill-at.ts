/**
 * @file Loaded before the program (`--import`), ends its process with SIGKILL at one exact write: the nth write that
 * matches. `BITMEND_KILL_AT` is the JSON of a `KillPoint`.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** One exact moment in the life of a run. */
export interface KillPoint {
  /** `append`: a part of the line is written; `partial`: the part of a file that is not yet renamed; `rename`: the whole file has its name. */
  readonly moment: "append" | "partial" | "rename";
  /** Pattern of the file's path; of an append, of the path, a space and the text. */
  readonly what: string;
  /** Which time, 1 upwards. */
  readonly time: number;
}

function killPoint(): KillPoint | null {
  const text = process.env["BITMEND_KILL_AT"];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the test that starts this process
  return text === undefined ? null : (JSON.parse(text) as KillPoint);
}

const point = killPoint();
let left = point?.time ?? 0;

function isNow(moment: KillPoint["moment"], written: string): boolean {
  if (point === null || point.moment !== moment || !new RegExp(point.what, "u").test(written)) return false;
  left -= 1;
  return left === 0;
}

const paths = new Map<number, string>();
const { openSync, writeFileSync, renameSync } = fs;

fs.openSync = (path, ...rest) => {
  const descriptor = openSync(path, ...rest);
  paths.set(descriptor, String(path));
  return descriptor;
};

fs.writeFileSync = (file, content, options) => {
  const path = typeof file === "number" ? paths.get(file) : undefined;
  if (path !== undefined && typeof content === "string" && isNow("append", `${path} ${content}`)) {
    writeFileSync(file, content.slice(0, Math.ceil(content.length / 2)), options);
    process.kill(process.pid, "SIGKILL");
  }
  writeFileSync(file, content, options);
};

fs.renameSync = (from, to) => {
  if (isNow("partial", String(to))) process.kill(process.pid, "SIGKILL");
  renameSync(from, to);
  if (isNow("rename", String(to))) process.kill(process.pid, "SIGKILL");
};

syncBuiltinESMExports();
