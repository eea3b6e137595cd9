/** @file Distillation from a full-precision teacher inside the same graph. */
import type { Tensor } from "../graph/index.ts";
import {
  clip,
  concat,
  exp,
  gatherElements,
  log,
  logSoftmax,
  multiply,
  reduceSum,
  subtract,
} from "../graph/index.ts";
import { dense } from "../models/linears/dense.ts";
import { sequenceMicroBatches, type SequenceData } from "./language-modelling.ts";
import type { Objective } from "./loop.ts";
import { parameterFeeds, type FlatParameters } from "./parameters.ts";
import { buildGradientModel, decodeSequences, openSequenceGraph } from "./sequence-graph.ts";
import { floatInputs, type TrainableModel } from "./trainable-model.ts";

export interface DistillationOptions extends SequenceData {
  /** All weights of the full-precision model, same configuration as the student. */
  readonly teacher: FlatParameters;
  /** See {@link DivergenceInput}. */
  readonly topK?: number | undefined;
}

/**
 * Forward Kullback-Leibler divergence from the teacher's next-token distribution to the student's, temperature 1, whole vocabulary:
 * the weighted mean over the tokens of the optimizer step, in nats.
 *
 * {@link https://arxiv.org/abs/1503.02531 | Hinton et al. 2015}; the setting is the one
 * {@link https://arxiv.org/abs/2601.14888 | Reasoning-QAT} found robust. The teacher is a frozen sub-graph of the same session.
 */
export function distillation(
  student: TrainableModel,
  { teacher, topK, ...data }: DistillationOptions,
): Objective {
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
        topK,
      });
      return { model: buildGradientModel(graph, { loss, learned: own.learned }), frozen };
    },
  };
}

/** Operands of {@link forwardDivergence}. */
export interface DivergenceInput {
  /** Both [tokens, vocabulary]. */
  readonly teacherLogits: Tensor;
  readonly studentLogits: Tensor;
  /** [tokens]. */
  readonly weights: Tensor;
  /** Keep the teacher's most likely tokens apart and treat all others as one; bounds the work for large vocabularies. Default: all apart. */
  readonly topK?: number | undefined;
}

/** Σ weight · KL(teacher ‖ student) over rows, a scalar. */
export function forwardDivergence({ teacherLogits, studentLogits, weights, topK }: DivergenceInput): Tensor {
  const all = { teacher: logSoftmax(teacherLogits), student: logSoftmax(studentLogits) };
  const kept = topK === undefined || topK >= Number(teacherLogits.shape[1]) ? all : mostLikely(all, topK);
  const terms = multiply(exp(kept.teacher), subtract(kept.teacher, kept.student));
  return reduceSum(multiply(reduceSum(terms, { axes: [1] }), weights));
}

/** Log-probabilities [tokens, classes]. */
interface LogProbabilities {
  readonly teacher: Tensor;
  readonly student: Tensor;
}

/** Least probability of all other tokens together: keeps its logarithm finite. */
const smallestRest = 1e-6;

/** The teacher's `count` most likely tokens, and one class for the rest. */
function mostLikely({ teacher, student }: LogProbabilities, count: number): LogProbabilities {
  const { graph, dataType, shape } = teacher;
  const keptShape = [shape[0]!, count];
  const [, indices] = graph.emit(
    "TopK",
    [teacher, graph.constant("i64", [1], [count])],
    [
      { dataType, shape: keptShape },
      { dataType: "i64", shape: keptShape },
    ],
    { attributes: { axis: { integer: -1 } } },
  );
  const withRest = (logProbabilities: Tensor): Tensor => {
    const kept = gatherElements(logProbabilities, indices!);
    const rest = subtract(1, reduceSum(exp(kept), { axes: [1], keepDims: true }));
    return concat([kept, log(clip(rest, { low: smallestRest, high: 1 }))], 1);
  };
  return { teacher: withRest(teacher), student: withRest(student) };
}
