import { generate } from "../../src/generation/generate.ts";
import { withTokenizer } from "../../src/generation/language-model.ts";
import type { ModelSource } from "../../src/models/model-source.ts";
import { startModel, type ModelOptions } from "../../src/models/model.ts";
import { loadTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { shippedModels } from "../../src/verbs/resolve-model.ts";

/** What a reader is asked for, and what we answer. */
export interface Questions {
  /** Token ids. */
  readonly sequences: readonly (readonly number[])[];
  /** Token ids, each completed by `maxNewTokens` greedy tokens, without a stop. */
  readonly prompts?: readonly (readonly number[])[];
  readonly maxNewTokens?: number;
}

export interface Answers {
  /** [tokens * vocabularySize] of each sequence. */
  readonly logits: readonly Float32Array[];
  readonly completions: readonly (readonly number[])[];
}

/** Every model here has the pocket models' tokenizer; no text is read or written. */
const tokenizer = loadTokenizer(shippedModels["pocket"]!);

/** Runs a model as verbs do: sequences whole, completions in the slots of generation. */
export async function ourAnswers(
  source: ModelSource,
  { sequences, prompts = [], maxNewTokens = 1 }: Questions,
  options: Partial<ModelOptions> = {},
): Promise<Answers> {
  await using model = await startModel(source, { threads: 1, ...options });
  const capacity = Math.max(...sequences.map(({ length }) => length));
  const [decoder] = model.openDecoders({ slots: 1, capacity, wantsLogits: true });
  const logits: Float32Array[] = [];
  // oxlint-disable-next-line eslint/no-await-in-loop -- a decoder takes one call at a time
  for (const sequence of sequences) logits.push(Float32Array.from(await decoder!.logits(sequence)));
  const requests = prompts.map((promptIds, index) => ({ id: String(index), promptIds, seed: 0 }));
  const completions: (readonly number[])[] = [];
  const settings = { maxNewTokens, stop: { tokenIds: [], strings: [] } };
  for await (const event of generate(withTokenizer(model, tokenizer), requests, settings)) {
    if (event.type === "completion") completions[Number(event.id)] = event.tokenIds;
  }
  return { logits, completions };
}

/** How far apart two runs are. */
export interface Distance {
  /** The largest difference of a logit; NaN counts as infinitely far. */
  readonly largest: number;
  /** The median, over sequences, of the largest difference within one. */
  readonly median: number;
}

/** Compares logits, [tokens * vocabularySize] of each sequence. */
export function distance(ours: readonly Float32Array[], theirs: readonly Float32Array[]): Distance {
  const differences = ours
    .map((row, index) => largestDifference(row, theirs[index]))
    .toSorted((a, b) => a - b);
  return { largest: differences.at(-1)!, median: differences[Math.floor(differences.length / 2)]! };
}

function largestDifference(ours: Float32Array, theirs: Float32Array | undefined): number {
  if (theirs?.length !== ours.length) return Infinity;
  let worst = 0;
  for (const [index, value] of ours.entries()) {
    const difference = Math.abs(value - theirs[index]!);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
  }
  return worst;
}

/**
 * The arithmetic of W8A8 has steps: an input that lies next to the middle of two codes may be rounded to either, since the sums before it have
 * another order, and all later tokens see that. So most of many short sequences agree to float32, and no logit is far off.
 */
export const roundedInputsLimits: Distance = { largest: 1, median: 2e-4 };
