/** @file Training of the pocket models, from a recipe to a Hugging Face directory. */
import { hash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseModelConfig } from "../checkpoint/model-config.ts";
import { pocketEncoder } from "../tasks/pocket/pocket-encoder.ts";
import { pocketProblems } from "../tasks/pocket/pocket-problems.ts";
import { pocketSpecialTokens, pocketVocabulary } from "../tasks/pocket/vocabulary.ts";
import { writePocketTokenizer } from "../tasks/pocket/write-pocket-tokenizer.ts";
import type { PackingOptions } from "./batches.ts";
import type { TrainingEvent, TrainingSummary } from "./events.ts";
import type { OptimizationOptions } from "./loop.ts";
import { initializeModelParameters } from "./model-parameters.ts";
import { pocketSequence, pocketSequencesAt, type PocketCurriculum } from "./pocket-curriculum.ts";
import { pretrain, type ValidationSet } from "./pretraining.ts";
import { saveModel } from "./save-model.ts";

/** The sizes of a pocket model; everything else of a Qwen3 is the same for all of them. */
interface PocketModelSizes {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  readonly keyValueHeadCount: number;
  readonly headDimension: number;
}

/** Everything a pocket model's weights depend on. */
export interface PocketModelRecipe {
  readonly sizes: PocketModelSizes;
  /** Of the initial weights. */
  readonly seed: number;
  readonly curriculum: PocketCurriculum;
  readonly optimization: Omit<OptimizationOptions, "workers">;
  readonly packing?: Omit<PackingOptions, "weightFactor">;
  readonly validation: { readonly everySteps: number; readonly problems: number };
  readonly checkpointSteps: number;
}

/** config.json of a pocket model. */
function pocketModelConfig(sizes: PocketModelSizes): Readonly<Record<string, unknown>> {
  const end = pocketVocabulary.indexOf(pocketSpecialTokens.end);
  return {
    architectures: ["Qwen3ForCausalLM"],
    model_type: "qwen3",
    vocab_size: pocketVocabulary.length,
    hidden_size: sizes.hiddenSize,
    intermediate_size: sizes.intermediateSize,
    num_hidden_layers: sizes.layerCount,
    num_attention_heads: sizes.headCount,
    num_key_value_heads: sizes.keyValueHeadCount,
    head_dim: sizes.headDimension,
    hidden_act: "silu",
    rms_norm_eps: 1e-6,
    rope_theta: 10_000,
    rope_scaling: null,
    max_position_embeddings: 256,
    tie_word_embeddings: true,
    attention_bias: false,
    attention_dropout: 0,
    use_sliding_window: false,
    torch_dtype: "bfloat16",
    bos_token_id: null,
    eos_token_id: end,
    pad_token_id: pocketVocabulary.indexOf(pocketSpecialTokens.pad),
  };
}

/**
 * Trains a pocket model, or continues where an interrupted training stopped, and writes it to `directory`.
 *
 * The training's own state is `training.safetensors` in that directory; it stays there, so that calling again once all is done only
 * writes the model anew.
 *
 * @yields optimizer steps, checkpoints and validations
 */
export async function* trainPocketModel(
  recipe: PocketModelRecipe,
  options: {
    readonly directory: string;
    readonly workers: number;
    readonly signal?: AbortSignal | undefined;
  },
): AsyncGenerator<TrainingEvent, TrainingSummary, void> {
  const { directory, workers, signal } = options;
  mkdirSync(directory, { recursive: true });
  const rawConfig = pocketModelConfig(recipe.sizes);
  const config = parseModelConfig(rawConfig, "pocketModelConfig()");
  const parameters = initializeModelParameters(config, recipe.seed);
  const summary = yield* pretrain(
    {
      config,
      parameters,
      sequencesAt: pocketSequencesAt(recipe.curriculum),
      optimization: { ...recipe.optimization, workers },
      ...(recipe.packing === undefined ? {} : { packing: recipe.packing }),
      checkpoint: {
        path: join(directory, "training.safetensors"),
        everySteps: recipe.checkpointSteps,
        fingerprint: hash("sha256", JSON.stringify(recipe)),
      },
      validation: validationSet(recipe.validation),
    },
    { signal },
  );
  saveModel(directory, { parameters, rawConfig });
  writePocketTokenizer(directory);
  return summary;
}

function validationSet({ everySteps, problems }: PocketModelRecipe["validation"]): ValidationSet {
  const encoder = pocketEncoder();
  const drawn = pocketProblems({ split: "validation", seed: "validation", count: problems });
  return {
    everySteps,
    sequences: drawn.map((problem) => pocketSequence(encoder, problem)),
    groups: drawn.map(({ subject, level }) => [subject, `level ${level}`]),
  };
}
