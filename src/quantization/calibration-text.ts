/** @file Calibration text on its way into the model: batches of token ids, and their embeddings. */
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { readRows } from "../checkpoint/read-rows.ts";
import { sharedFloats, type SharedFloats } from "./layer-parameters.ts";

/** Calibration text as token ids, each sequence at its own length. */
export type CalibrationSequences = readonly (readonly number[])[];

/** Padded tokens run at once: bounds memory, and is enough to keep matrix products busy. */
const tokensPerBatch = 2048;

/** Sequences of similar length, padded on the right to the longest. */
export interface TextBatch {
  readonly sequences: CalibrationSequences;
  /** [batch, sequence], 1 for a token, 0 for padding. */
  readonly tokenWeights: SharedFloats;
}

/** Sorts by length and cuts into batches. */
export function batchSequences(sequences: CalibrationSequences): TextBatch[] {
  const batches: TextBatch[] = [];
  const longestFirst = sequences.toSorted((left, right) => right.length - left.length);
  for (let first = 0; first < longestFirst.length;) {
    const { length } = longestFirst[first]!;
    const members = longestFirst.slice(first, first + Math.max(1, Math.floor(tokensPerBatch / length)));
    const tokenWeights = sharedFloats([members.length, length]);
    for (const [row, tokenIds] of members.entries()) {
      tokenWeights.data.fill(1, row * length, row * length + tokenIds.length);
    }
    batches.push({ sequences: members, tokenWeights });
    first += members.length;
  }
  return batches;
}

/** Evenly spaced batches of about `tokens` padded tokens together, at least one; all of them where they have no more. */
export function someBatches(batches: readonly TextBatch[], tokens: number): number[] {
  const all = batches.reduce((sum, batch) => sum + paddedTokens(batch), 0);
  const count = Math.max(1, Math.round(batches.length * Math.min(1, tokens / all)));
  return Array.from({ length: count }, (_, place) => Math.floor((place * batches.length) / count));
}

/** Padded tokens of a batch. */
export function paddedTokens({ tokenWeights }: TextBatch): number {
  return tokenWeights.data.length;
}

/** Rows of an embedding table, [tokens, hiddenSize], in the order of the token ids. */
export type EmbeddingRows = (tokenIds: readonly number[]) => Float32Array;

/** The embeddings of a batch, [batch, sequence, hiddenSize], zeros for padding. */
export function embedBatch({ sequences, tokenWeights }: TextBatch, rowsOf: EmbeddingRows): Float32Array {
  const length = tokenWeights.shape[1]!;
  const rows = sequences.map((tokenIds) => rowsOf(tokenIds));
  const hiddenSize = rows[0]!.length / sequences[0]!.length;
  const hidden = new Float32Array(tokenWeights.data.length * hiddenSize);
  for (const [row, vectors] of rows.entries()) hidden.set(vectors, row * length * hiddenSize);
  return hidden;
}

/** The table of a checkpoint, of which only the rows that occur are read where it lies as it is used. */
export function storedEmbedding({
  config,
  readFloat32,
  tensors,
}: Pick<Checkpoint, "config" | "readFloat32" | "tensors">): EmbeddingRows {
  const name = "model.embed_tokens.weight";
  const tensor = tensors.get(name);
  return tensor === undefined
    ? rowsOfTable(readFloat32(name), config.hiddenSize)
    : (tokenIds) => readRows(tensor, tokenIds);
}

/** Rows of a table in memory, [vocabularySize, hiddenSize]. */
function rowsOfTable(table: Float32Array, hiddenSize: number): EmbeddingRows {
  return (tokenIds) => {
    const rows = new Float32Array(tokenIds.length * hiddenSize);
    for (const [index, token] of tokenIds.entries()) {
      rows.set(table.subarray(token * hiddenSize, (token + 1) * hiddenSize), index * hiddenSize);
    }
    return rows;
  };
}
