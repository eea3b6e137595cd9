import type { Tensor } from "../graph/index.ts";
import { gatherElements, reduceMax, reshape, subtract } from "../graph/index.ts";
import type { TrainingSequence } from "./batches.ts";
import { ForwardSessions } from "./forward-sessions.ts";
import { decodeSequences, type SequenceGraph } from "./sequence-graph.ts";
import type { TrainableModel } from "./trainable-model.ts";

/** Opens the sessions that {@link exactMatches} needs. */
export function startExactMatch(
  model: TrainableModel,
  options: { readonly threads?: number } = {},
): Promise<ForwardSessions> {
  return ForwardSessions.start(
    {
      model,
      outputs: (sequences, parts) => {
        const { hidden, logits } = decodeSequences(sequences, parts);
        return { gap: targetGap(logits(hidden), sequences) };
      },
    },
    options,
  );
}

/** [tokens], the largest logit minus the target's: 0 where the target would be chosen. */
function targetGap(logits: Tensor, { targets, shape }: SequenceGraph): Tensor {
  const size = shape.sequences * shape.length;
  const chosen = gatherElements(logits, reshape(targets, [size, 1]));
  return reshape(subtract(reduceMax(logits, { axes: [1], keepDims: true }), chosen), [size]);
}

/**
 * Which sequences the model continues exactly: every weighted token is the most likely one, given those before it.
 *
 * For a text with one right continuation this is what greedy generation from the prompt would give, in one forward pass.
 */
export async function exactMatches(
  sessions: ForwardSessions,
  sequences: readonly TrainingSequence[],
): Promise<boolean[]> {
  const matches = Array.from(sequences, () => true);
  for await (const { batch, outputs } of sessions.run(sequences)) {
    const gaps = outputs["gap"]!.data;
    for (const [row, sequence] of batch.rows.entries()) {
      const start = row * batch.shape.length;
      for (let position = start; position < start + batch.shape.length; position++) {
        if (batch.weights.data[position] !== 0 && gaps[position] !== 0) matches[sequence] = false;
      }
    }
  }
  return matches;
}
