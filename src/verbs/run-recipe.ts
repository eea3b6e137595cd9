/** @file What `bitmend run` does, as one typed value; a recipe file exports one, partial or whole. */
import { z } from "zod";
import { gridOverrideSchema } from "../quantization/grid-overrides.ts";
import { granularities } from "../quantization/sensitivity-units.ts";
import { BitmendError } from "../util/errors.ts";

const bits = z.union([z.literal(2), z.literal(3), z.literal(4), z.literal(8)]);

/** How completions are drawn. */
const generationSchema = z.strictObject({
  /** Problems decoded together; changes the speed, never the text. */
  slots: z.int().min(1).max(512).default(64),
  maxNewTokens: z.int().positive().default(128),
  /** 0 is greedy. */
  temperature: z.number().min(0).default(0),
  topP: z.number().positive().max(1).default(1),
  /** Completions of every problem, each with a seed of its own; absent: 1. */
  samples: z.int().min(1).max(1024).optional(),
  /** `chat`: messages in the model's template; `plain`: solved examples as a text, for base models. Absent: by whether there is a template. */
  prompt: z.enum(["chat", "plain"]).optional(),
  /** Tells the template of a hybrid model (`enable_thinking`) whether to think; absent: as the template has it. */
  thinking: z.boolean().optional(),
  /** Tokens after which open thoughts are closed and the answer is asked for; absent: thoughts and answer share `maxNewTokens`. */
  thinkingTokens: z.int().positive().optional(),
});

/** How widths are chosen for a variant that has an average. */
const mixedSchema = z.strictObject({
  widths: z.array(bits).min(2).default([2, 3, 4, 8]),
  /** What gets its width together; `group` (q k v, o, gate up, down) is the finest that engines with fused projections load. */
  granularity: z.enum(granularities).default("group"),
  /** What the rest of the model has while one part is measured: the width nearest to the average, or full precision. */
  around: z.enum(["uniform", "full"]).default("uniform"),
  /** How parts are rounded to measure what they lose; `gptq` quantizes the model once a width for that. Default: as the variant, AWQ by rtn. */
  roundedBy: z.enum(["rtn", "gptq"]).optional(),
  /** Calibration tokens that sensitivity is measured on, at most. */
  tokens: z.int().positive().default(16_384),
});

/** A low-bit variant whose parts have widths of their own, chosen by measured sensitivity. */
const mixedVariantSchema = z.strictObject({
  method: z.enum(["rtn", "gptq", "awq"]),
  /** Mean bits a weight, at most. */
  averageBits: z.number().min(2).max(8),
});

/** One low-bit variant. */
const quantizedVariantSchema = z.strictObject({
  method: z.enum(["rtn", "gptq", "awq", "smoothquant"]),
  bits,
  /** Weights and activations of 8 bits, as SmoothQuant always has them: one group a row, symmetric. */
  activations: z.literal("int8-per-token").optional(),
});

/** Which low-bit variants are made, and how. */
const quantizationSchema = z.strictObject({
  groupSize: z.union([z.int().positive(), z.literal(-1)]).default(64),
  symmetric: z.boolean().default(false),
  /** Null: minmax, for AWQ output. */
  range: z.enum(["minmax", "mse", "output"]).nullable().default(null),
  columnOrder: z.enum(["natural", "activation"]).default("activation"),
  dampingFraction: z.number().min(0).max(1).default(0.01),
  /** Passes of coordinate descent over GPTQ's codes. */
  refinementSweeps: z.int().min(0).max(100).default(0),
  /** `traces` (the model's own solutions of training problems), `task:NAME` (its reference solutions) or a file of texts. */
  calibration: z.string().min(1).default("traces"),
  /** Texts that are drawn for calibration: problems, documents, or pieces of one long text. */
  calibrationSequences: z.int().positive().default(128),
  /** Joins the texts and cuts them into sequences of so many tokens; null: one text a sequence. */
  packedLength: z.int().min(2).nullable().default(null),
  /** Other grids for some linears, or none (`keep`), by name pattern; of every variant. */
  overrides: z.array(gridOverrideSchema).default([]),
  /** Bits of the embedding table, and of the head where it is not the same; null: kept as they are. */
  embeddingBits: bits.nullable().default(null),
  headBits: bits.nullable().default(null),
  mixed: mixedSchema.prefault({}),
  variants: z.array(z.union([quantizedVariantSchema, mixedVariantSchema])).default([
    { method: "rtn", bits: 8 },
    { method: "rtn", bits: 4 },
    { method: "gptq", bits: 4 },
    { method: "rtn", bits: 3 },
    { method: "gptq", bits: 3 },
    { method: "rtn", bits: 2 },
    { method: "gptq", bits: 2 },
  ]),
});

/** Synthetic outlier channels, as `OutlierChannels`. */
const outliersSchema = z.strictObject({
  fraction: z.number().positive().max(1).default(0.05),
  maxExponent: z.int().min(1).max(8).default(4),
  seed: z.int().min(0).default(1),
});

/** Distillation into fake-quantized weights, one entry a variant. */
const qatSchema = z.strictObject({
  bits,
  /** Optimizer steps. */
  steps: z.int().positive(),
  batchSize: z.int().positive().default(32),
  /** Training problems whose right solutions, as the full model writes them, are the text. */
  problems: z.int().positive().default(4096),
  learningRate: z.number().positive(),
  /** Learning rate of the scales, relative to the weights'. */
  scaleRate: z.number().positive().default(0.1),
  /** Learning rate of embedding and head, which stay in full precision, relative to the weights'; 0 freezes them. */
  embeddingRate: z.number().min(0).default(0),
});

/** Preference tuning on the medicine set, with its two controls. */
const preferenceSchema = z.strictObject({
  /** The GPTQ variant of this many bits is the patient. */
  bits,
  /** At most this many pairs. */
  pairs: z.int().positive().default(545),
  /** At most this many training problems are searched for failures. */
  candidates: z.int().positive().default(4096),
  epochs: z.int().positive().default(3),
  batchSize: z.int().positive().default(16),
  rank: z.int().positive().default(16),
  beta: z.number().positive().default(0.1),
  /** What of the two continuations is compared: the first differing step, or all. */
  scope: z.enum(["step", "continuation"]).default("step"),
  /** Weight of the negative log-likelihood of the chosen text. */
  chosenWeight: z.number().min(0).default(2),
  learningRate: z.number().positive().default(1e-4),
  /** Of the two controls, which imitate: they bear, and need, a higher one. */
  imitationLearningRate: z.number().positive().default(1e-3),
  /** Plain SFT on the same pairs, and on as many random problems. */
  controls: z.boolean().default(true),
});

/** Fills defaults and rejects unknown keys. */
const runRecipeSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/u),
  /** A model directory, or `pocket` for the one that ships with bitmend. */
  model: z.string(),
  task: z.string(),
  /** File or directory with a benchmark's data; absent: the hub's cache, else the hub. */
  data: z.string().optional(),
  problems: z.int().positive().default(1000),
  split: z.enum(["validation", "test"]).default("test"),
  seed: z.int().min(0).default(1),
  generation: generationSchema.prefault({}),
  quantization: quantizationSchema.prefault({}),
  /** Gives the model synthetic outlier channels before anything is quantized; its function stays the same bit for bit. */
  outliers: outliersSchema.nullable().default(null),
  /** Samples of the full model for a problem it failed, so that a failure has a right solution to be held against. */
  referenceSamples: z.int().min(0).default(16),
  qat: z.array(qatSchema).default([]),
  preference: preferenceSchema.nullable().default(null),
});

/** A recipe with every default filled in. */
export type RunRecipe = z.infer<typeof runRecipeSchema>;
/** What a recipe file exports. */
export type RunRecipeInput = z.input<typeof runRecipeSchema>;

/**
 * Fills a recipe's defaults.
 *
 * @throws {BitmendError} `verbs/bad-recipe` naming every unknown key and bad value.
 */
export function parseRunRecipe(input: unknown): RunRecipe {
  return parsed(runRecipeSchema, input, "parseRunRecipe()");
}

/** Fills the defaults of one entry of a recipe's `qat`; throws as {@link parseRunRecipe}. */
export function parseQatSettings(input: unknown): RunRecipe["qat"][number] {
  return parsed(qatSchema, input, "parseQatSettings()");
}

/** Fills the defaults of a recipe's `preference`; throws as {@link parseRunRecipe}. */
export function parsePreferenceSettings(input: unknown): NonNullable<RunRecipe["preference"]> {
  return parsed(preferenceSchema, input, "parsePreferenceSettings()");
}

function parsed<Settings>(schema: z.ZodType<Settings>, input: unknown, where: string): Settings {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new BitmendError(
    "verbs/bad-recipe",
    `${where}: expected settings of a recipe, but:\n${z.prettifyError(result.error)}`,
    { hint: "\ndocs/recipes.md lists every key and its values." },
  );
}
