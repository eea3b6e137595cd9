import { formatShape, sameShape, shapeError } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { expand, multiply, negate, reduceSum, requireSameType, reshape } from "./elementwise.ts";
import { exp } from "./functions.ts";
import { gatherElements, scatterAdd } from "./gather.ts";
import { logSoftmax } from "./softmax.ts";

/** Operands of `crossEntropy()`. */
export interface CrossEntropyOptions {
  /** [rows, classes]. */
  readonly logits: Tensor;
  /** [rows], i64, each in 0 … classes - 1 also where the weight is 0. */
  readonly targets: Tensor;
  /** [rows]: 0 leaves a row out; 1 / (number of rows that count) makes the sum their mean. */
  readonly weights: Tensor;
}

/** Σ weight · -log softmax(logits)[target] over rows, a scalar. The gradient reuses the log-probabilities. */
export function crossEntropy({ logits, targets, weights }: CrossEntropyOptions): Tensor {
  requireSameType([logits, weights], "crossEntropy");
  const [rows] = logits.shape;
  if (logits.shape.length !== 2 || !sameShape(targets.shape, [rows!]) || !sameShape(weights.shape, [rows!])) {
    const got = [logits, targets, weights].map(({ shape }) => formatShape(shape)).join(", ");
    throw shapeError("crossEntropy", "logits [rows, classes], targets [rows] and weights [rows]", got);
  }
  let losses: Tensor | null = null;
  let logProbabilities: Tensor | null = null;
  const [sum] = logits.graph.block({
    inputs: [logits, weights],
    compute: () => {
      [losses, logProbabilities] = rowLosses(logits, targets);
      return [reduceSum(multiply(losses, weights))];
    },
    backward: ([gradient]) => {
      const scale = reshape(multiply(weights, gradient!), [rows!, 1]);
      const minusOnes = expand(logits.graph.scalar(-1, logits.dataType), [rows!, 1]);
      const indices = reshape(targets, [rows!, 1]);
      const difference = scatterAdd(exp(logProbabilities!), { axis: 1, indices, updates: minusOnes });
      return [multiply(difference, scale), multiply(losses!, gradient!)];
    },
  });
  return sum!;
}

/** -log p of each row's target, and all log-probabilities. */
function rowLosses(logits: Tensor, targets: Tensor): [Tensor, Tensor] {
  const [rows] = logits.shape;
  if (!logits.graph.profile.fusedCrossEntropy || logits.dataType !== "f32") {
    const logProbabilities = logSoftmax(logits);
    const picked = gatherElements(logProbabilities, reshape(targets, [rows!, 1]));
    return [negate(reshape(picked, [rows!])), logProbabilities];
  }
  const [losses, logProbabilities] = logits.graph.emit(
    "SoftmaxCrossEntropyLoss",
    [logits, targets],
    [
      { dataType: "f32", shape: [rows!] },
      { dataType: "f32", shape: logits.shape },
    ],
    { attributes: { reduction: { string: "none" } } },
  );
  return [losses!, logProbabilities!];
}
