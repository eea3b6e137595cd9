/** Quantizes `source` into `directory` as `run` says and prints one line per event; the test kills it on the way. */
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { quantizeCheckpoint } from "../../src/quantization/quantize-checkpoint.ts";
import { consume } from "../../src/util/consume.ts";
import { calibration, runs } from "./quantize-settings.ts";

const [source, directory, run] = process.argv.slice(2);
const { recipe, ...options } = runs[run as keyof typeof runs];
await consume(
  quantizeCheckpoint(openCheckpoint(source!), recipe, {
    directory: directory!,
    calibration,
    threads: 1,
    ...options,
  }),
  (event) => process.stdout.write(`${event.type}\n`),
);
