/** Quantizes `source` into `directory` and prints one line per event; the test kills it on the way. */
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { quantizeCheckpoint } from "../../src/quantization/quantize-checkpoint.ts";
import { consume } from "../../src/util/consume.ts";
import { calibration, recipe } from "./quantize-settings.ts";

const [source, directory] = process.argv.slice(2);
await consume(
  quantizeCheckpoint(openCheckpoint(source!), recipe, { directory: directory!, calibration, threads: 1 }),
  (event) => process.stdout.write(`${event.type}\n`),
);
