/**
 * @file Direct Preference Optimization, {@link https://arxiv.org/abs/2305.18290 | Rafailov et al. 2023}, eq. 7, as a number and as a graph.
 *
 * Departure: the loss may carry the negative log-likelihood of the chosen text, as in
 * {@link https://arxiv.org/abs/2404.19733 | Pang et al. 2024}, eq. 1, because plain DPO lowers the likelihood of both texts when they
 * differ in few tokens.
 */
import type { Tensor } from "../graph/index.ts";
import { cast, compare, multiply, negate, reduceSum, softplus, subtract } from "../graph/index.ts";

/** Summed log-probabilities of one response, in nats, under the two models. */
export interface ResponseLogProbabilities {
  readonly policy: number;
  readonly reference: number;
}

/** DPO terms for one preference pair. */
export interface DpoTerms {
  /** Nats; lower is better, ln 2 when policy and reference agree. */
  readonly loss: number;
  /** `beta · (policy − reference)` of the chosen response. */
  readonly chosenReward: number;
  /** `beta · (policy − reference)` of the rejected response. */
  readonly rejectedReward: number;
}

/** `−log σ(chosenReward − rejectedReward)`, computed without overflow for any margin. */
export function dpoTerms(
  chosen: ResponseLogProbabilities,
  rejected: ResponseLogProbabilities,
  { beta = 0.1 }: { readonly beta?: number } = {},
): DpoTerms {
  const chosenReward = beta * (chosen.policy - chosen.reference);
  const rejectedReward = beta * (rejected.policy - rejected.reference);
  const margin = chosenReward - rejectedReward;
  const loss = margin > 0 ? Math.log1p(Math.exp(-margin)) : -margin + Math.log1p(Math.exp(margin));
  return { loss, chosenReward, rejectedReward };
}

/** Tensors of the pairs of one micro-batch, all [pairs]. */
export interface DpoPairs {
  /** Summed log-probabilities under the policy. */
  readonly chosen: Tensor;
  readonly rejected: Tensor;
  /** Log-probability of chosen minus rejected under the reference. */
  readonly referenceMargin: Tensor;
  /** 1 / pairs of the optimizer step; 0 for empty rows. */
  readonly pairWeight: Tensor;
  readonly beta: number;
}

/** Weighted sums over the pairs, all scalars: the losses, the reward margins, and 1 for every positive margin. */
export function dpoLoss({ chosen, rejected, referenceMargin, pairWeight, beta }: DpoPairs): {
  readonly loss: Tensor;
  readonly margin: Tensor;
  readonly accuracy: Tensor;
} {
  const margin = multiply(subtract(subtract(chosen, rejected), referenceMargin), beta);
  const sum = (values: Tensor): Tensor => reduceSum(multiply(values, pairWeight));
  return {
    loss: sum(softplus(negate(margin))),
    margin: sum(margin),
    accuracy: sum(cast(compare(margin, "Greater", 0), margin.dataType)),
  };
}
