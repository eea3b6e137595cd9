import { adamWState, adamWStep, clipGradient, type AdamWOptions } from "./adamw.ts";
import type { BatchShape } from "./batches.ts";
import type { TrainingEvent, TrainingSummary } from "./events.ts";
import {
  GradientWorkers,
  type GradientGraph,
  type MicroBatch,
  type StepGradient,
} from "./gradient-workers.ts";
import { BitmendError } from "../util/errors.ts";
import type { FlatParameters } from "./parameters.ts";
import { learningRateAt, type Schedule } from "./schedule.ts";
import { restoreTrainingState, saveTrainingState, type TrainingState } from "./training-checkpoint.ts";
import type { TrainableModel } from "./trainable-model.ts";

/** What is minimised: the graphs and, as a pure function of the step, the data. */
export interface Objective {
  readonly graphFor: (shape: BatchShape) => GradientGraph;
  /** The micro-batches of 1-based optimizer step `step`; the same step always gives the same batches. */
  readonly batchesAt: (step: number) => readonly MicroBatch[];
}

/** How the loop updates and for how long. */
export interface OptimizationOptions {
  /** Optimizer steps. */
  readonly steps: number;
  readonly schedule: Schedule;
  readonly adamW?: AdamWOptions;
  /** Largest global gradient norm. Default: 1. */
  readonly gradientClip?: number;
  /** Threads; changes the speed, never the result. Default: 2. */
  readonly workers?: number;
}

/** Where a training keeps what it resumes from. */
export interface CheckpointOptions {
  readonly path: string;
  readonly everySteps: number;
  /** Names settings and data; a checkpoint of another training is refused. */
  readonly fingerprint: string;
}

export interface TrainingSetup {
  readonly objective: Objective;
  /** Its parameters are trained in place. */
  readonly model: Pick<TrainableModel, "parameters" | "frozen">;
  readonly optimization: OptimizationOptions;
  /** Puts parameters back where they are allowed to be, after every update. */
  readonly project?: (parameters: FlatParameters) => void;
  readonly checkpoint?: CheckpointOptions | undefined;
  /** Measured after every `everySteps` steps and after the last. */
  readonly validation?: {
    readonly everySteps: number;
    readonly measure: (step: number) => Promise<Readonly<Record<string, number>>>;
  };
}

/**
 * Trains the model's parameters in place and reports every optimizer step.
 *
 * The result depends on the setup alone: not on the number of workers, nor on interruptions with a checkpoint in between.
 * An abort ends the training after the step in flight.
 *
 * @yields optimizer steps, checkpoints and validations
 * @throws {BitmendError} `training/diverged` when the loss is not finite; `training/other-training` for a foreign checkpoint.
 */
export async function* train(
  setup: TrainingSetup,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<TrainingEvent, TrainingSummary, void> {
  const { objective, optimization, checkpoint, validation } = setup;
  const { parameters, frozen } = setup.model;
  const { steps } = optimization;
  const optimizer = adamWState(parameters.values.length);
  const state: TrainingState = { parameters, optimizer, fingerprint: checkpoint?.fingerprint ?? "" };
  if (checkpoint !== undefined) restoreTrainingState(checkpoint.path, state);
  await using workers = await GradientWorkers.start({
    workers: optimization.workers ?? 2,
    parameters,
    frozen,
    graphFor: objective.graphFor,
  });
  const clock = new Clock(steps - optimizer.step);
  let finalLoss: number | null = null;
  let savedStep = optimizer.step;
  let upcoming: readonly MicroBatch[] | null = null;
  const isAborted = (): boolean => signal?.aborted === true;
  while (optimizer.step < steps && !isAborted()) {
    const batches: readonly MicroBatch[] = upcoming ?? objective.batchesAt(optimizer.step + 1);
    const running = workers.accumulate(batches);
    // the next batches are made while the workers compute
    upcoming = optimizer.step + 2 <= steps ? objective.batchesAt(optimizer.step + 2) : [];
    // oxlint-disable-next-line eslint/no-await-in-loop -- optimizer steps follow one another
    const result = await running;
    const update = applyStep({ result, state, optimization });
    setup.project?.(parameters);
    finalLoss = result.loss;
    const tokens = batches.reduce((sum, batch) => sum + batch.tokens, 0);
    yield { type: "step", steps, ...update, tokens, ...clock.tick(tokens), metrics: result.metrics };
    const last = optimizer.step === steps;
    if (checkpoint !== undefined && (last || optimizer.step % checkpoint.everySteps === 0)) {
      saveTrainingState(checkpoint.path, state);
      savedStep = optimizer.step;
      yield { type: "checkpoint", step: optimizer.step, path: checkpoint.path };
    }
    if (validation !== undefined && (last || optimizer.step % validation.everySteps === 0)) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- the parameters must not move meanwhile
      yield { type: "validation", step: optimizer.step, metrics: await validation.measure(optimizer.step) };
    }
  }
  if (checkpoint !== undefined && savedStep < optimizer.step) {
    saveTrainingState(checkpoint.path, state);
    yield { type: "checkpoint", step: optimizer.step, path: checkpoint.path };
  }
  return { steps: optimizer.step, finalLoss, tokens: clock.tokens, aborted: optimizer.step < steps };
}

function applyStep(input: { result: StepGradient; state: TrainingState; optimization: OptimizationOptions }) {
  const { result, state, optimization } = input;
  const { parameters, optimizer } = state;
  const step = optimizer.step + 1;
  if (!Number.isFinite(result.loss)) {
    throw new BitmendError("training/diverged", `train(): the loss of step ${step} is ${result.loss}.`, {
      hint: "Lower the learning rate, or look for NaN in the weights and the data.",
    });
  }
  const gradientNorm = clipGradient(result.gradient, optimization.gradientClip ?? 1);
  const learningRate = learningRateAt(optimization.schedule, step, optimization.steps);
  adamWStep(parameters, result.gradient, { ...optimization.adamW, state: optimizer, learningRate });
  return { step, loss: result.loss, learningRate, gradientNorm };
}

/** Rate and time left, from the steps since the start. */
class Clock {
  readonly #start = performance.now();
  #left: number;
  #done = 0;
  tokens = 0;

  constructor(steps: number) {
    this.#left = steps;
  }

  tick(tokens: number): { tokensPerSecond: number; secondsLeft: number } {
    this.tokens += tokens;
    this.#done += 1;
    this.#left -= 1;
    const seconds = (performance.now() - this.#start) / 1000;
    return { tokensPerSecond: this.tokens / seconds, secondsLeft: (seconds / this.#done) * this.#left };
  }
}
