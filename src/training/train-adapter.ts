import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { makeDirectory } from "../checkpoint/model-directory.ts";
import type { MedicineRecord } from "../runs/records.ts";
import { BitmendError } from "../util/errors.ts";
import { epochsOver, type Epochs } from "./epochs.ts";
import type { TrainingEvent, TrainingSummary } from "./events.ts";
import { languageModelling } from "./language-modelling.ts";
import { loraModel, type LoraSettings } from "./lora-model.ts";
import { train, type Objective, type OptimizationOptions } from "./loop.ts";
import type { ImitationRecord } from "./medicine.ts";
import { preference, withReference } from "./preference.ts";
import { readModelParameters } from "./read-model-parameters.ts";
import { saveAdapter } from "./save-adapter.ts";
import {
  imitationSequence,
  medicinePair,
  type PreferenceScope,
  type SolutionEncoder,
} from "./solution-sequences.ts";
import type { TrainableModel } from "./trainable-model.ts";

/** Preference pairs for Direct Preference Optimization. */
interface PreferenceLesson {
  readonly kind: "preference";
  readonly medicine: readonly MedicineRecord[];
  /** Default: 0.1. */
  readonly beta?: number;
  /** Weight of the chosen answers' mean negative log-likelihood. Default: 1. */
  readonly likelihoodWeight?: number;
  /** Default: "step". */
  readonly scope?: PreferenceScope;
}

/** Solutions to imitate. */
interface ImitationLesson {
  readonly kind: "imitation";
  readonly solutions: readonly ImitationRecord[];
}

/** Training of low-rank adapters on a frozen, usually low-bit, model. */
export interface AdapterSetup {
  readonly base: Checkpoint;
  readonly encoder: SolutionEncoder;
  readonly lesson: PreferenceLesson | ImitationLesson;
  /** Where the adapter goes. */
  readonly directory: string;
  /** Names data and settings; a half-trained directory of another identity is refused. */
  readonly identity: string;
  readonly lora: LoraSettings;
  /** Of the initial factors and the order of the examples. */
  readonly seed: number;
  readonly epochs: number;
  /** Pairs or solutions of one optimizer step. */
  readonly batchSize: number;
  /** The number of steps follows from examples, epochs and batch size. */
  readonly optimization: Omit<OptimizationOptions, "steps">;
  readonly tokensPerBatch?: number;
}

/**
 * Trains an adapter and writes it in PEFT's form; the base model stays as it is.
 *
 * Killed and called again it continues; called on a finished directory it does nothing.
 *
 * @yields optimizer steps and checkpoints
 * @throws {BitmendError} `training/no-examples` for an empty lesson.
 */
export async function* trainAdapter(
  setup: AdapterSetup,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<TrainingEvent, TrainingSummary, void> {
  const { base, directory, identity, lora, seed, optimization } = setup;
  refuseEmptyLesson(setup.lesson);
  const model = loraModel(base.config, readModelParameters(base), { ...lora, seed });
  const { steps, objective } = await lessonObjective(setup, model);
  const statePath = join(directory, "training.safetensors");
  if (existsSync(join(directory, "adapter_config.json"))) {
    // Killed between the adapter's last file and this.
    rmSync(statePath, { force: true });
    return { steps, finalLoss: null, tokens: 0, aborted: false };
  }
  makeDirectory(directory);
  const summary = yield* train(
    {
      objective,
      model,
      optimization: { ...optimization, steps },
      checkpoint: { path: statePath, everySteps: 20, fingerprint: identity },
    },
    { signal },
  );
  if (summary.aborted) return summary;
  saveAdapter(directory, model.parameters, { ...lora, baseModel: base.directory });
  rmSync(statePath, { force: true });
  return summary;
}

async function lessonObjective(
  setup: AdapterSetup,
  model: TrainableModel,
): Promise<{ readonly steps: number; readonly objective: Objective }> {
  const { lesson, encoder, optimization, tokensPerBatch } = setup;
  const packing = tokensPerBatch === undefined ? {} : { tokensPerBatch };
  const passes = <Item>(items: readonly Item[]): Epochs<Item> => epochsOver(items, setup);
  switch (lesson.kind) {
    case "imitation": {
      const { steps, itemsAt } = passes(
        lesson.solutions.map((solution) => imitationSequence(encoder, solution)),
      );
      return { steps, objective: languageModelling(model, { sequencesAt: itemsAt, packing }) };
    }
    case "preference": {
      const { medicine, scope = "step", ...strength } = lesson;
      const pairs = medicine.map((record) => medicinePair(encoder, record, { scope }));
      // before the first step the adapter changes nothing, so the model is its own reference
      const threads = optimization.workers ?? 2;
      const { steps, itemsAt } = passes(await withReference(model, pairs, { threads }));
      return { steps, objective: preference(model, { ...strength, ...packing, pairsAt: itemsAt }) };
    }
    default:
      return lesson satisfies never;
  }
}

function refuseEmptyLesson(lesson: AdapterSetup["lesson"]): void {
  const count = lesson.kind === "preference" ? lesson.medicine.length : lesson.solutions.length;
  if (count > 0) return;
  throw new BitmendError("training/no-examples", "trainAdapter(): expected at least one example, got none.", {
    hint: "Draw more training problems, or choose a variant that fails more of them.",
  });
}
