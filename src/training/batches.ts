/** @file Sequences of any length cut into few fixed shapes, so that one session per shape serves a whole training. */
import type { EngineTensor } from "../engine/index.ts";
import { BitmendError } from "../util/errors.ts";
import { sharedFloats, sharedIntegers } from "./parameters.ts";

/** One text to learn from. */
export interface TrainingSequence {
  /** Prompt and answer. */
  readonly tokenIds: readonly number[];
  /** How much the prediction of each token counts, same length; 0 for prompts. The first entry is never used. */
  readonly weights: readonly number[];
}

/** Rows and columns of one micro-batch. */
export interface BatchShape {
  readonly sequences: number;
  /** Tokens a row holds, a multiple of `lengthMultiple`. */
  readonly length: number;
}

/** Sequences of similar length side by side, shorter ones padded at the right with token 0 and weight 0. */
export interface SequenceBatch {
  readonly shape: BatchShape;
  /** Index of each row's sequence in what was packed; rows beyond its length are empty. */
  readonly rows: readonly number[];
  /** Predicted tokens, padding not counted. */
  readonly tokens: number;
  /** All [sequences · length]: tokens read, tokens to predict and their weights. */
  readonly tokenIds: EngineTensor;
  readonly targets: EngineTensor;
  readonly weights: EngineTensor;
}

export interface PackingOptions {
  /** Tokens of one micro-batch, padding included; fixes the number of rows for a length. Default: 1024. */
  readonly tokensPerBatch?: number;
  /** Lengths are rounded up to multiples of it. Default: 16. */
  readonly lengthMultiple?: number;
  /** Every weight is multiplied by it, e.g. 1 / {@link totalWeight} of the optimizer step. Default: 1. */
  readonly weightFactor?: number;
}

/** The sum of the weights that count. */
export function totalWeight(sequences: readonly TrainingSequence[]): number {
  let total = 0;
  for (const { weights } of sequences) {
    for (let position = 1; position < weights.length; position++) total += weights[position]!;
  }
  return total;
}

/**
 * Packs the longest sequences first; the last batch may have empty rows.
 *
 * The shape depends on the longest sequence of a batch alone: `floor(tokensPerBatch / length)` rows, at least one.
 *
 * @throws {BitmendError} `training/bad-sequence` listing sequences that are too short or whose weights do not fit.
 */
export function packSequences(
  sequences: readonly TrainingSequence[],
  { tokensPerBatch = 1024, lengthMultiple = 16, weightFactor = 1 }: PackingOptions = {},
): SequenceBatch[] {
  refuseMalformed(sequences);
  const order = sequences
    .map(({ tokenIds }, index) => ({ index, length: tokenIds.length - 1 }))
    .toSorted((left, right) => right.length - left.length || left.index - right.index);
  const batches: SequenceBatch[] = [];
  for (let next = 0; next < order.length;) {
    const length = Math.ceil(order[next]!.length / lengthMultiple) * lengthMultiple;
    const shape = { sequences: Math.max(1, Math.floor(tokensPerBatch / length)), length };
    const rows = order.slice(next, next + shape.sequences).map(({ index }) => index);
    batches.push(fillBatch(sequences, { shape, rows, weightFactor }));
    next += shape.sequences;
  }
  return batches;
}

function refuseMalformed(sequences: readonly TrainingSequence[]): void {
  const malformed = sequences.flatMap(({ tokenIds, weights }, index) =>
    tokenIds.length < 2 || weights.length !== tokenIds.length
      ? [`sequence ${index} has ${tokenIds.length} tokens and ${weights.length} weights`]
      : [],
  );
  if (malformed.length > 0) {
    throw new BitmendError(
      "training/bad-sequence",
      `packSequences(): expected at least two tokens and one weight for each, got: ${malformed.join("; ")}.`,
    );
  }
}

/** Writes the sequences whose indices are `rows` below one another; -1 leaves a row empty. */
export function fillBatch(
  sequences: readonly TrainingSequence[],
  plan: { readonly shape: BatchShape; readonly rows: readonly number[]; readonly weightFactor: number },
): SequenceBatch {
  const { shape, rows, weightFactor } = plan;
  const size = shape.sequences * shape.length;
  const tokenIds = sharedIntegers(new Uint8Array(size));
  const targets = sharedIntegers(new Uint8Array(size));
  const weights = sharedFloats(size);
  let tokens = 0;
  for (const [row, sequenceIndex] of rows.entries()) {
    if (sequenceIndex < 0) continue;
    const sequence = sequences[sequenceIndex]!;
    const predicted = sequence.tokenIds.length - 1;
    for (let column = 0; column < predicted; column++) {
      const position = row * shape.length + column;
      tokenIds[position] = BigInt(sequence.tokenIds[column]!);
      targets[position] = BigInt(sequence.tokenIds[column + 1]!);
      weights[position] = sequence.weights[column + 1]! * weightFactor;
    }
    tokens += predicted;
  }
  return {
    shape,
    rows,
    tokens,
    tokenIds: { dataType: "i64", shape: [size], data: tokenIds },
    targets: { dataType: "i64", shape: [size], data: targets },
    weights: { dataType: "f32", shape: [size], data: weights },
  };
}
