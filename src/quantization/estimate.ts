/** @file What a quantization will cost, said before it starts. */
import { existsSync, statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { BitmendError } from "../util/errors.ts";
import { measureRates, usualRates, type MachineRates } from "./machine-rates.ts";
import { quantizationWork, type QuantizationWork, type TextSize } from "./quantization-work.ts";
import type { QuantizationRecipe } from "./recipe.ts";

/** What a quantization costs. */
export interface QuantizationCost {
  readonly seconds: number;
  /** The most memory that the process holds at once. */
  readonly memoryBytes: number;
  /** Of the result, and of activations while it is made. */
  readonly diskBytes: number;
}

/** A cost that is foreseen. */
export interface CostEstimate extends QuantizationCost {
  /** Whether this machine was measured, or the work is too small for that to pay. */
  readonly measured: boolean;
}

/** What an estimate takes. */
export interface EstimateOptions {
  /** Null where no text is calibrated on. */
  readonly text: TextSize | null;
  readonly threads: number;
  /** Where the result goes; it need not exist. */
  readonly directory: string;
  /** Bytes of activations kept in memory. Default: 512 MiB. */
  readonly activationMemory?: number;
  /** Layers that an earlier run has finished. Default: 0. */
  readonly finishedLayers?: number;
}

/** Below this the machine is not measured. */
const worthMeasuringSeconds = 15;

/** Node and the sources; each thread; the engine, where text goes through it. */
const processBytes = 200 * 2 ** 20;
const threadBytes = 40 * 2 ** 20;
const engineBytes = 150 * 2 ** 20;
/** What is held for longer than it is needed. */
const slack = 1.25;

/** Estimates time, memory and disk from the shapes and, for work of more than seconds, from a measurement of about two seconds. */
export async function estimateQuantization(
  source: Pick<Checkpoint, "config" | "tensors">,
  recipe: QuantizationRecipe,
  { text, threads, directory, activationMemory, finishedLayers = 0 }: EstimateOptions,
): Promise<CostEstimate> {
  const work = quantizationWork(source, recipe, { text, activationMemory });
  const left = 1 - finishedLayers / source.config.layerCount;
  const usual = workSeconds(work, usualRates(threads), left);
  const measured = usual > worthMeasuringSeconds;
  const rates = measured ? await measureRates(threads, existingFolder(directory)) : null;
  return {
    seconds: rates === null ? usual : workSeconds(work, rates, left),
    memoryBytes:
      processBytes + threads * threadBytes + (text === null ? 0 : engineBytes) + slack * work.peakBytes,
    diskBytes: left * work.writtenBytes + work.spilledBytes,
    measured,
  };
}

/** Checks, hashes and copies read the source twice and once more; the rest is the share of layers that is left. */
function workSeconds(work: QuantizationWork, rates: MachineRates, left: number): number {
  const reading = (3 * work.readBytes) / readingBytes;
  const computing =
    work.productOperations / rates.productOperations +
    work.gramOperations / rates.gramOperations +
    work.factorCubes / rates.factorCubes +
    work.factorSquares / rates.factorSquares +
    work.gptqWeights / rates.gptqWeights +
    work.gptqProducts / rates.gptqProducts +
    work.nearestWeights / rates.nearestWeights +
    work.weights / rates.packedWeights +
    (work.writtenBytes + work.spilledBytes) / rates.diskBytes;
  return reading + left * computing;
}

/** From a disk or the system's memory, with SHA-256 or a look at every number. */
const readingBytes = 1e9;

/**
 * Refuses what will not fit.
 *
 * @throws {BitmendError} `quantization/will-not-fit` names what is needed and what there is.
 */
export function refuseUnfit(
  { memoryBytes, diskBytes }: QuantizationCost,
  { directory, ...given }: { readonly directory: string; readonly memory?: number; readonly disk?: number },
): void {
  const memory = given.memory ?? process.availableMemory();
  const disk = given.disk ?? freeDiskBytes(directory);
  const offences: string[] = [];
  const hints: string[] = [];
  if (memoryBytes > memory) {
    offences.push(`${gibibytes(memoryBytes)} of memory, of which ${gibibytes(memory)} are free`);
    hints.push("use fewer threads or shorter calibration sequences, or close other programs");
  }
  if (diskBytes > disk) {
    offences.push(
      `${gibibytes(diskBytes)} on the disk of ${directory}, of which ${gibibytes(disk)} are free`,
    );
    hints.push("choose another disk, fewer bits or fewer calibration tokens");
  }
  if (offences.length === 0) return;
  throw new BitmendError(
    "quantization/will-not-fit",
    `refuseUnfit(): expected room for the quantization, which needs ${offences.join(" and ")}.`,
    { hint: `${hints.join("; ")}.`.replace(/^./u, (first) => first.toUpperCase()) },
  );
}

function freeDiskBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(existingFolder(directory));
  return bavail * bsize;
}

function existingFolder(path: string): string {
  const folder = resolve(path);
  return existsSync(folder) || dirname(folder) === folder ? folder : existingFolder(dirname(folder));
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(bytes < 2 ** 30 ? 2 : 1)} GiB`;
}
