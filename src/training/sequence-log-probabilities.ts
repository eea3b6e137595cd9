import type { Tensor } from "../graph/index.ts";
import { gatherElements, logSoftmax, multiply, reduceSum, reshape } from "../graph/index.ts";
import type { TrainingSequence } from "./batches.ts";
import { ForwardSessions } from "./forward-sessions.ts";
import { decodeSequences, type SequenceGraph } from "./sequence-graph.ts";
import type { TrainableModel } from "./trainable-model.ts";

/** [tokens], log-probability of each target, nats. */
export function tokenLogProbabilities(logits: Tensor, { targets, shape }: SequenceGraph): Tensor {
  const size = shape.sequences * shape.length;
  return reshape(gatherElements(logSoftmax(logits), reshape(targets, [size, 1])), [size]);
}

/** [sequences], Σ weight · log-probability over the tokens of each row. */
export function rowSums(
  values: Tensor,
  weights: Tensor,
  { sequences, length }: SequenceGraph["shape"],
): Tensor {
  return reduceSum(reshape(multiply(values, weights), [sequences, length]), { axes: [1], keepDims: false });
}

/** Σ weight · log-probability over the tokens of each sequence, nats. */
export async function sequenceLogProbabilities(
  model: TrainableModel,
  sequences: readonly TrainingSequence[],
  options: { readonly threads?: number; readonly tokensPerBatch?: number } = {},
): Promise<number[]> {
  await using sessions = await ForwardSessions.start(
    {
      model,
      outputs: (graph, parts) => {
        const { hidden, logits } = decodeSequences(graph, parts);
        return { sum: rowSums(tokenLogProbabilities(logits(hidden), graph), graph.weights, graph.shape) };
      },
    },
    options,
  );
  const sums = Array.from(sequences, () => Number.NaN);
  const { tokensPerBatch } = options;
  const packing = tokensPerBatch === undefined ? {} : { tokensPerBatch };
  for await (const { batch, outputs } of sessions.run(sequences, packing)) {
    for (const [row, sequence] of batch.rows.entries()) sums[sequence] = Number(outputs["sum"]!.data[row]);
  }
  return sums;
}
