import { add, multiply, negate, reduceSum, split } from "../graph/index.ts";
import type { EngineTensor } from "../engine/index.ts";
import { fillBatch, totalWeight, type BatchShape, type TrainingSequence } from "./batches.ts";
import { dpoLoss } from "./dpo-loss.ts";
import type { MicroBatch } from "./gradient-workers.ts";
import type { Objective } from "./loop.ts";
import { sharedFloats } from "./parameters.ts";
import {
  buildGradientModel,
  decodeSequences,
  openSequenceGraph,
  sequenceMicroBatch,
} from "./sequence-graph.ts";
import { rowSums, sequenceLogProbabilities, tokenLogProbabilities } from "./sequence-log-probabilities.ts";
import type { TrainableModel } from "./trainable-model.ts";

/** A text with two kinds of weights: `weights` for its likelihood, `preference` for its part in the comparison. */
export interface PreferenceText extends TrainingSequence {
  /** 1 for the tokens whose log-probabilities are compared, else 0; one per token. */
  readonly preference: readonly number[];
}

/** Two continuations of the same beginning. */
export interface PreferencePair {
  readonly chosen: PreferenceText;
  readonly rejected: PreferenceText;
}

/** A pair and what the reference model thinks of it. */
export interface ReferencedPair extends PreferencePair {
  /** Log-probability of chosen minus rejected under the reference, over the compared tokens, nats. */
  readonly referenceMargin: number;
}

export interface PreferenceOptions {
  /** The pairs of 1-based optimizer step `step`, a pure function of it. */
  readonly pairsAt: (step: number) => readonly ReferencedPair[];
  /** Strength of the pull towards the reference. Default: 0.1. */
  readonly beta?: number;
  /** Weight of the chosen texts' mean negative log-likelihood; 0 is plain DPO. Default: 1. */
  readonly likelihoodWeight?: number;
  /** Tokens of one micro-batch, padding and both texts included. Default: 1024. */
  readonly tokensPerBatch?: number;
  /** Default: 16. */
  readonly lengthMultiple?: number;
}

/** Asks `model`, as it is now, for its opinion of every pair: the reference of a training that starts from it. */
export async function withReference(
  model: TrainableModel,
  pairs: readonly PreferencePair[],
  options: { readonly threads?: number } = {},
): Promise<ReferencedPair[]> {
  const texts = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  const compared = texts.map((text) => ({ tokenIds: text.tokenIds, weights: text.preference }));
  const sums = await sequenceLogProbabilities(model, compared, options);
  return pairs.map((pair, index) => ({ ...pair, referenceMargin: sums[2 * index]! - sums[2 * index + 1]! }));
}

/**
 * Direct Preference Optimization with the likelihood of the chosen texts.
 *
 * The loss of an optimizer step is the mean over its pairs of {@link dpoLoss} + `likelihoodWeight` · the mean over its weighted chosen
 * tokens of −log p. Metrics: `preference` (the DPO part), `likelihood` (the other, before its weight), `margin` (mean reward margin) and
 * `preferenceAccuracy` (share of pairs whose margin is positive).
 */
export function preference(model: TrainableModel, options: PreferenceOptions): Objective {
  const { beta = 0.1, likelihoodWeight = 1 } = options;
  return {
    batchesAt: (step) => pairBatches(options.pairsAt(step), options),
    graphFor: (shape) => {
      const pairs = shape.sequences / 2;
      const sequences = openSequenceGraph(model.config, shape);
      const { graph, weights } = sequences;
      const compared = graph.input("compared", "f32", weights.shape);
      const referenceMargin = graph.input("referenceMargin", "f32", [pairs]);
      const pairWeight = graph.input("pairWeight", "f32", [pairs]);
      const parts = model.parts(graph);
      const { hidden, logits } = decodeSequences(sequences, parts);
      const logProbabilities = tokenLogProbabilities(logits(hidden), sequences);
      const rows = rowSums(logProbabilities, compared, shape);
      const [chosen, rejected] = split(rows, { axis: 0, sizes: [pairs, pairs] });
      const terms = dpoLoss({ chosen: chosen!, rejected: rejected!, referenceMargin, pairWeight, beta });
      const likelihood = negate(reduceSum(multiply(logProbabilities, weights)));
      const loss = add(terms.loss, multiply(likelihood, likelihoodWeight));
      const metrics = {
        preference: terms.loss,
        likelihood,
        margin: terms.margin,
        preferenceAccuracy: terms.accuracy,
      };
      const bytes = buildGradientModel(graph, { loss, learned: parts.learned, metrics });
      return { model: bytes, metrics: Object.keys(metrics) };
    },
  };
}

/** Pairs of similar length together: chosen texts in the upper half of the rows, their rejected ones in the lower. */
function pairBatches(
  pairs: readonly ReferencedPair[],
  { tokensPerBatch = 1024, lengthMultiple = 16 }: PreferenceOptions,
): MicroBatch[] {
  const lengthOf = ({ chosen, rejected }: ReferencedPair): number =>
    Math.max(chosen.tokenIds.length, rejected.tokenIds.length) - 1;
  const sorted = pairs.toSorted((left, right) => lengthOf(right) - lengthOf(left));
  const chosenWeight = totalWeight(pairs.map(({ chosen }) => chosen));
  const batches: MicroBatch[] = [];
  for (let next = 0; next < sorted.length;) {
    const length = Math.ceil(lengthOf(sorted[next]!) / lengthMultiple) * lengthMultiple;
    const pairsPerBatch = Math.max(1, Math.floor(tokensPerBatch / (2 * length)));
    const batch = sorted.slice(next, next + pairsPerBatch);
    const shape = { sequences: 2 * pairsPerBatch, length };
    batches.push(pairBatch(batch, { shape, weightFactor: 1 / chosenWeight, pairWeight: 1 / pairs.length }));
    next += pairsPerBatch;
  }
  return batches;
}

function pairBatch(
  pairs: readonly ReferencedPair[],
  plan: { shape: BatchShape; weightFactor: number; pairWeight: number },
): MicroBatch {
  const { shape, weightFactor, pairWeight } = plan;
  const half = shape.sequences / 2;
  const texts = pairs.flatMap(({ chosen, rejected }) => [
    chosen,
    { ...rejected, weights: rejected.weights.map(() => 0) },
  ]);
  const rows = Array.from({ length: shape.sequences }, (_, row) =>
    row % half < pairs.length ? 2 * (row % half) + (row < half ? 0 : 1) : -1,
  );
  const batch = fillBatch(texts, { shape, rows, weightFactor });
  const compared = texts.map(({ tokenIds, preference: weights }) => ({ tokenIds, weights }));
  const vector = (valueOf: (pair: ReferencedPair) => number): EngineTensor => {
    const data = sharedFloats(half);
    data.set(pairs.map(valueOf));
    return { dataType: "f32", shape: [half], data };
  };
  const { feeds, tokens } = sequenceMicroBatch(batch);
  return {
    shape,
    tokens,
    feeds: {
      ...feeds,
      compared: fillBatch(compared, { shape, rows, weightFactor: 1 }).weights,
      referenceMargin: vector(({ referenceMargin }) => referenceMargin),
      pairWeight: vector(() => pairWeight),
    },
  };
}
