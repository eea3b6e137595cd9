/**
 * @file {@link https://arxiv.org/abs/2306.00978 | AWQ, Lin et al. 2024}: channels of a linear's input that are large on calibration text
 * get finer weights. Their columns are multiplied by a scale s before rounding and what gives the input is divided by it, so that
 *
 *     Q(W·diag(s))·diag(s)⁻¹ ≈ W     with s = mean|x|^ratio (section 3.2, equations 4 and 5)
 *
 * and the ratio is searched for the least error of the linear's output.
 *
 * Departures:
 * 1. The error is taken at the outputs of the linears that read the input, each relative to the energy of its own output, by the Gram matrix:
 *    tr(D·G·Dᵀ) over tr(W·G·Wᵀ) is exact for the whole calibration text and needs no activations. The authors' code takes the block's output.
 * 2. Two families of scales compete: the paper's, and that of the authors' code ("duo scaling"), mean|x|^ratio / mean|w|^(1-ratio), where |w| is
 *    relative to the largest of its group. Scale 1 is always among them, so that the error is never more than that of plain rounding.
 * 3. With grouped queries, heads that share a value head share scales: the mean of their statistics. The authors' code leaves o as it is.
 * 4. Channels that calibration never excited keep scale 1.
 * 5. The search looks at 128 rows of each reader and some 8,192 tokens at most, both evenly spaced.
 * 6. Scales are those that the giver's data type leaves (storable-scales.ts).
 */
import type { InputStatistics } from "./calibrator.ts";
import { encode } from "./grid.ts";
import { groupWidth, type GridOptions } from "./grid-options.ts";
import { fitGroupGrid } from "./group-grid.ts";
import { sharedFloats } from "./layer-parameters.ts";
import type { Matrix } from "./matrix.ts";
import type { StorableScales } from "./storable-scales.ts";

/** A linear that reads the input whose channels are scaled. */
export interface ScaledReader {
  readonly weight: Matrix;
  readonly grid: GridOptions;
}

/** What the search looks at. */
export interface ScaleSearch {
  /** The readers that are quantized. */
  readonly readers: readonly ScaledReader[];
  readonly inputs: Pick<InputStatistics, "meanAbsolute" | "gram">;
  /** [in], the giver's channel of each of the readers' columns. */
  readonly channels: Uint32Array;
  /** Adjusts scales of the giver's channels to what it can store. */
  readonly storable: (wanted: Float64Array) => StorableScales;
  /** tr(D·G·Dᵀ) for rows D. */
  readonly energy: (rows: Matrix, gram: Matrix) => Promise<number>;
}

/** What the search found. */
export interface FoundScales extends StorableScales {
  /** Sum of the readers' relative output errors, with these scales and with none. */
  readonly loss: number;
  readonly plainLoss: number;
}

/** Rows of a reader that the search looks at; what it finds is held against scale 1 on all of them. */
export const mostRows = 128;
/** Tokens of the calibration text that the search looks at. */
export const searchTokens = 8192;
/** Candidates under way at once: while the engine works on one, the next is rounded. */
const candidatesAtOnce = 5;

/** Searches `ratios` exponents in both families for the scales of least output error under rounding to nearest. */
export async function searchAwqScales(search: ScaleSearch, ratios: number): Promise<FoundScales> {
  const { readers, inputs, channels, storable } = search;
  const channelCount = channels.reduce((most, channel) => Math.max(most, channel + 1), 0);
  const magnitudes = sharedMean(inputs.meanAbsolute, channels, channelCount);
  const weights = sharedMean(weightMagnitudes(readers), channels, channelCount);
  const plain = storable(new Float64Array(channelCount).fill(1));
  const wanted = awqCandidates(magnitudes, weights, ratios);
  const best = await leastLoss(search, [plain, ...wanted.map(storable)]);
  const whole = await outputLoss(search, readers);
  const memory = differencesOf(readers);
  const plainLoss = await whole(plain.scales, memory);
  const loss = await whole(best.scales, memory);
  return loss < plainLoss ? { ...best, loss, plainLoss } : { ...plain, loss: plainLoss, plainLoss };
}

/** The first of `candidates` whose loss on some rows is least. */
async function leastLoss(
  search: ScaleSearch,
  candidates: readonly StorableScales[],
): Promise<StorableScales> {
  const readers = search.readers.map(someRows);
  const lossOf = await outputLoss(search, readers);
  const memory = Array.from({ length: candidatesAtOnce }, () => differencesOf(readers));
  const losses: number[] = [];
  for (let first = 0; first < candidates.length; first += candidatesAtOnce) {
    const together = candidates.slice(first, first + candidatesAtOnce);
    // oxlint-disable-next-line eslint/no-await-in-loop -- bounds memory
    losses.push(...(await Promise.all(together.map(async ({ scales }, at) => lossOf(scales, memory[at]!)))));
  }
  return candidates[losses.indexOf(Math.min(...losses))] ?? candidates[0]!;
}

/** Memory for the differences of each reader. */
function differencesOf(readers: readonly ScaledReader[]): Float32Array[] {
  return readers.map(({ weight: { rows, columns } }) => sharedFloats([rows, columns]).data);
}

/** Evenly spaced rows of a reader. */
function someRows(reader: ScaledReader): ScaledReader {
  const { rows, columns, values } = reader.weight;
  if (rows <= mostRows) return reader;
  const sample = new Float32Array(mostRows * columns);
  for (let row = 0; row < mostRows; row++) {
    const source = Math.floor((row * rows) / mostRows) * columns;
    sample.set(values.subarray(source, source + columns), row * columns);
  }
  return { ...reader, weight: { rows: mostRows, columns, values: sample } };
}

/** Gives the sum of the readers' relative output errors for scales of the giver's channels; each call under way needs memory of its own. */
async function outputLoss(
  { inputs: { gram }, channels, energy }: ScaleSearch,
  readers: readonly ScaledReader[],
): Promise<(scales: Float64Array, differences: readonly Float32Array[]) => Promise<number>> {
  const energies: number[] = [];
  // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time
  for (const { weight } of readers) energies.push(await energy(weight, gram));
  return async (scales, differences) => {
    const columnScales = Float64Array.from(channels, (channel) => scales[channel]!);
    const lossOf = async (reader: ScaledReader, index: number): Promise<number> => {
      if (energies[index] === 0) return 0;
      const values = differences[index]!;
      scaledDifference(reader, columnScales, values);
      return (await energy({ ...reader.weight, values }, gram)) / energies[index]!;
    };
    const losses = await Promise.all(readers.map(lossOf));
    return losses.reduce((sum, loss) => sum + loss, 0);
  };
}

const leastScale = 1e-4;

/** The scales that the search tries, those of the paper first. */
export function awqCandidates(
  magnitudes: Float64Array,
  weights: Float64Array,
  ratios: number,
): Float64Array[] {
  const exponents = Array.from({ length: ratios }, (_, step) => step / ratios);
  const isLive = magnitudes.map((value) => (value > 0 ? 1 : 0));
  return [
    // Exponent 0 of the paper's family is scale 1.
    ...exponents.slice(1).map((ratio) =>
      normalized(
        magnitudes.map((value) => value ** ratio),
        isLive,
      ),
    ),
    ...exponents.map((ratio) =>
      normalized(
        magnitudes.map((value, channel) => value ** ratio / (weights[channel]! ** (1 - ratio) + leastScale)),
        isLive,
      ),
    ),
  ];
}

/** Divides by the geometric mean of the extremes ("s / sqrt(max · min)"). */
function normalized(raw: Float64Array, isLive: Float64Array): Float64Array {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  const bounded = raw.map((value) => Math.max(value, leastScale));
  for (const [channel, value] of bounded.entries()) {
    if (isLive[channel] === 0) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const middle = Math.sqrt(least * most);
  return bounded.map((value, channel) => (isLive[channel] === 0 ? 1 : value / middle));
}

/** Mean over all rows of |w| relative to the largest of its group, [in]. */
export function weightMagnitudes(readers: readonly ScaledReader[]): Float64Array {
  const sums = new Float64Array(readers[0]!.weight.columns);
  let rowCount = 0;
  for (const { weight, grid } of readers) {
    const { rows, columns, values } = weight;
    const groupSize = groupWidth(weight, grid.groupSize);
    rowCount += rows;
    for (let start = 0; start < values.length; start += groupSize) {
      let most = 0;
      for (let at = start; at < start + groupSize; at++) most = Math.max(most, Math.abs(values[at]!));
      const firstColumn = start % columns;
      for (let offset = 0; offset < groupSize; offset++) {
        const relative = Math.abs(values[start + offset]!) / (most + 1e-6);
        sums[firstColumn + offset] = sums[firstColumn + offset]! + relative;
      }
    }
  }
  return sums.map((sum) => sum / rowCount);
}

/** Mean of each channel's columns. */
function sharedMean(values: Float64Array, channels: Uint32Array, channelCount: number): Float64Array {
  const sums = new Float64Array(channelCount);
  for (const [column, channel] of channels.entries()) sums[channel] = sums[channel]! + values[column]!;
  const columnsEach = channels.length / channelCount;
  return sums.map((sum) => sum / columnsEach);
}

/**
 * W - Q(W·diag(s))·diag(s)⁻¹ for the column scales s, to `target` ([rows, columns]).
 *
 * What `quantizeRtn()` and `dequantize()` give, without keeping codes: the search spends its time here. Where the range itself is searched for
 * later, the grid spans the extremes.
 */
function scaledDifference({ weight, grid }: ScaledReader, scales: Float64Array, target: Float32Array): void {
  const { columns, values } = weight;
  const groupSize = groupWidth(weight, grid.groupSize);
  const options = grid.range === "output" ? { ...grid, range: "minmax" as const } : grid;
  const maxCode = 2 ** grid.bits - 1;
  const scaled = new Float64Array(groupSize);
  const inverse = scales.map((scale) => 1 / scale);
  for (let start = 0; start < values.length; start += groupSize) {
    const firstColumn = start % columns;
    for (let offset = 0; offset < groupSize; offset++)
      scaled[offset] = Math.fround(values[start + offset]! * scales[firstColumn + offset]!);
    const groupGrid = fitGroupGrid(scaled, options);
    for (let offset = 0; offset < groupSize; offset++) {
      const code = encode(scaled[offset]!, groupGrid, maxCode);
      const restored = (code - groupGrid.zeroPoint) * groupGrid.scale;
      target[start + offset] = values[start + offset]! - restored * inverse[firstColumn + offset]!;
    }
  }
}
