import { availableParallelism } from "node:os";
import { loadLanguageModel } from "../generation/language-model.ts";
import { perplexity as measure, type Perplexity } from "../generation/perplexity.ts";
import { BitmendError } from "../util/errors.ts";
import { readCalibrationFile } from "./calibration-file.ts";
import { cut, encodeDocument, joined } from "./calibration-texts.ts";
import type { VerbRun } from "./events.ts";
import { resolveModel } from "./resolve-model.ts";

export interface PerplexityOptions {
  /** A model directory, full or low-bit, a hub id, or the name of a model that ships with bitmend. */
  readonly model: string;
  /** A plain text, or `.jsonl` with `text`, `messages` or `input_ids` a line. */
  readonly text: string;
  /** Tokens of each sequence that the text is cut into. Default: 2,048, or as many as the model takes. */
  readonly length?: number | undefined;
  /** At most so many sequences, from the beginning. Default: all. */
  readonly sequences?: number | undefined;
  /** Default: all. */
  readonly threads?: number | undefined;
}

export interface PerplexityResult extends Perplexity {
  readonly model: string;
  readonly text: string;
  readonly sequences: number;
  readonly length: number;
}

const usualLength = 2048;

/**
 * How well a model predicts a text: joined, cut into sequences of equal length, each predicted from its first token on. Of conversations only
 * the model's own turns count.
 *
 * @yields Progress in sequences.
 * @throws {BitmendError} those of `resolveModel()` and `readCalibrationFile()`; `verbs/bad-options`, `verbs/bad-calibration`.
 */
export async function* perplexity(
  options: PerplexityOptions,
  { signal }: { readonly signal?: AbortSignal } = {},
): VerbRun<PerplexityResult> {
  const { threads = availableParallelism(), sequences: most = Number.POSITIVE_INFINITY } = options;
  const directory = yield* resolveModel(options.model, signal === undefined ? {} : { signal });
  const documents = readCalibrationFile(options.text);
  yield { type: "stage", name: `Loading ${options.model}` };
  await using model = await loadLanguageModel(directory, { threads });
  const length = options.length ?? Math.min(usualLength, model.positions);
  if (!(length >= 2 && length <= model.positions && most >= 1)) {
    throw new BitmendError(
      "verbs/bad-options",
      `perplexity(): expected sequences of 2 to ${model.positions} tokens and at least one, got ${most} of ${length}.`,
    );
  }
  const whole = joined(documents.map((document) => encodeDocument(model.tokenizer, document)));
  const sequences = cut(whole, length).slice(0, most);
  if (sequences.length === 0) {
    throw new BitmendError(
      "verbs/bad-calibration",
      `perplexity(): expected at least ${length} tokens in ${options.text}, got ${whole.tokenIds.length}.`,
      { hint: "Cut shorter sequences (--length), or give more text." },
    );
  }
  yield { type: "stage", name: "Predicting", total: sequences.length, unit: "sequences" };
  const scores = measure(model, sequences, signal === undefined ? {} : { signal });
  for (;;) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- events are sequential by nature
    const next = await scores.next();
    if (next.done === true) {
      yield { type: "stage-done", result: "" };
      return { model: directory, text: options.text, sequences: sequences.length, length, ...next.value };
    }
    yield { type: "progress", done: next.value };
  }
}
