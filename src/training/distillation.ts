/** @file Distillation from a full-precision teacher inside the same graph. */
import type { Tensor } from "../graph/index.ts";
import { exp, logSoftmax, multiply, reduceSum, subtract } from "../graph/index.ts";
import { dense } from "../models/linears/dense.ts";
import { sequenceMicroBatches, type SequenceData } from "./language-modelling.ts";
import type { Objective } from "./loop.ts";
import { parameterFeeds, type FlatParameters } from "./parameters.ts";
import { buildGradientModel, decodeSequences, openSequenceGraph } from "./sequence-graph.ts";
import { floatInputs, type TrainableModel } from "./trainable-model.ts";

export interface DistillationOptions extends SequenceData {
  /** All weights of the full-precision model, same configuration as the student. */
  readonly teacher: FlatParameters;
}

/**
 * Forward Kullback-Leibler divergence from the teacher's next-token distribution to the student's, temperature 1, whole vocabulary:
 * the weighted mean over the tokens of the optimizer step, in nats.
 *
 * {@link https://arxiv.org/abs/1503.02531 | Hinton et al. 2015}; the setting is the one
 * {@link https://arxiv.org/abs/2601.14888 | Reasoning-QAT} found robust. The teacher is a frozen sub-graph of the same session.
 */
export function distillation(student: TrainableModel, { teacher, ...data }: DistillationOptions): Objective {
  const prefix = "teacher/";
  const frozen = parameterFeeds(teacher, prefix);
  return {
    batchesAt: (step) => sequenceMicroBatches(data, step),
    graphFor: (shape) => {
      const sequences = openSequenceGraph(student.config, shape);
      const { graph, weights } = sequences;
      const own = student.parts(graph);
      const teacherInputs = floatInputs(graph, () => false);
      const parameter = (name: string, size: readonly number[]): Tensor =>
        teacherInputs.input(`${prefix}${name}`, size);
      const studentOutput = decodeSequences(sequences, own);
      const teacherOutput = decodeSequences(sequences, { parameter, linear: dense(parameter) });
      const loss = forwardDivergence({
        teacherLogits: teacherOutput.logits(teacherOutput.hidden),
        studentLogits: studentOutput.logits(studentOutput.hidden),
        weights,
      });
      return { model: buildGradientModel(graph, { loss, learned: own.learned }), frozen };
    },
  };
}

/** Σ weight · KL(teacher ‖ student) over rows; logits [tokens, vocabulary], weights [tokens]. */
export function forwardDivergence(input: {
  readonly teacherLogits: Tensor;
  readonly studentLogits: Tensor;
  readonly weights: Tensor;
}): Tensor {
  const teacherLog = logSoftmax(input.teacherLogits);
  const difference = subtract(teacherLog, logSoftmax(input.studentLogits));
  const perToken = reduceSum(multiply(exp(teacherLog), difference), { axes: [1], keepDims: false });
  return reduceSum(multiply(perToken, input.weights), { axes: [0], keepDims: false });
}
