/**
 * @file Many clients against `bitmend serve` for minutes: no answer lost, none mixed up with another's, memory flat.
 *
 *     node bench/serving-load.ts [--seconds 300] [--clients 200] [--threads 2]
 *
 * Every answer is compared with that of `generate()`; one client in ten goes away in the middle. Writes bench/results/serving-load.json.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadLanguageModel } from "../src/generation/language-model.ts";
import { writeFileAtomically } from "../src/util/atomic-file.ts";
import { shippedModels } from "../src/verbs/resolve-model.ts";
import { knownAnswers, putLoad } from "./serving/load.ts";
import { startServerProcess } from "./serving/server-process.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "300" },
    clients: { type: "string", default: "200" },
    threads: { type: "string", default: "2" },
  },
});
const model = await loadLanguageModel(shippedModels["pocket"]!, { threads: 1 });
const answers = await knownAnswers(model, 100);
await model[Symbol.asyncDispose]();
await using server = await startServerProcess(["pocket", "--threads", values.threads]);
const result = await putLoad({
  client: server.client,
  modelName: "pocket",
  answers,
  clients: Number(values.clients),
  seconds: Number(values.seconds),
  residentBytes: async () => server.metric("process_resident_memory_bytes"),
});
const { residentBytes, wrong, errors, ...counts } = result;
const megabytes = (from: number, to: number): number => {
  const part = residentBytes.slice(
    Math.floor(from * residentBytes.length),
    Math.ceil(to * residentBytes.length),
  );
  return Math.round(part.toSorted((a, b) => a - b)[Math.floor(part.length / 2)]! / 2 ** 20);
};
const record = {
  ...counts,
  clients: Number(values.clients),
  threads: Number(values.threads),
  wrong: wrong.length,
  errors: errors.length,
  requestsPerSecond: Math.round(result.answered / result.seconds),
  tokensPerSecond: Math.round(result.tokens / result.seconds),
  /** Medians of each fifth of the time. */
  residentMegabytes: [0, 0.2, 0.4, 0.6, 0.8].map((from) => megabytes(from, from + 0.2)),
  runningAfterwards: await server.metric("bitmend_running"),
  waitingAfterwards: await server.metric("bitmend_waiting"),
  machine: `${cpus()[0]?.model ?? "unknown"}, ${availableParallelism()} threads`,
  loadAverage: loadavg().map((load) => Number(load.toFixed(2))),
  commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  }).trim(),
  date: new Date().toISOString(),
};
mkdirSync(join(import.meta.dirname, "results"), { recursive: true });
writeFileAtomically(
  join(import.meta.dirname, "results/serving-load.json"),
  `${JSON.stringify(record, null, 2)}\n`,
);
console.log(record);
for (const each of [...wrong.slice(0, 3), ...errors.slice(0, 5)]) console.log(each);
