/** @file Questions and solutions as token sequences, in the form in which the model is asked and answers. */
import type { MedicineRecord } from "../runs/records.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { BitmendError } from "../util/errors.ts";
import type { TrainingSequence } from "./batches.ts";
import type { ImitationRecord } from "./medicine.ts";
import type { PreferencePair, PreferenceText } from "./preference.ts";

/** What sequences are made with. */
export interface SolutionEncoder {
  /** What the model continues: the question in its chat form. */
  readonly prompt: (question: string) => number[];
  readonly encode: (text: string) => number[];
  /** Ends an answer. */
  readonly endTokenId: number;
}

/**
 * The encoder of a model with a chat template.
 *
 * @throws {BitmendError} `training/no-end-token` when the tokenizer has no end-of-sequence token.
 */
export function solutionEncoder(tokenizer: Tokenizer): SolutionEncoder {
  const endTokenId = tokenizer.eosTokenIds[0];
  if (endTokenId === undefined) {
    throw new BitmendError(
      "training/no-end-token",
      "solutionEncoder(): expected a tokenizer with an end-of-sequence token, got none.",
    );
  }
  return {
    endTokenId,
    encode: (text) => tokenizer.encode(text),
    prompt: (question) => {
      const messages = [{ role: "user", content: question }];
      return tokenizer.encode(tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true }));
    },
  };
}

/** A solution to imitate: only its own tokens and the end count. */
export function imitationSequence(
  encoder: SolutionEncoder,
  { question, solution }: Pick<ImitationRecord, "question" | "solution">,
): TrainingSequence {
  return joined([
    { tokenIds: encoder.prompt(question), weight: 0, preference: 0 },
    { tokenIds: [...encoder.encode(solution), encoder.endTokenId], weight: 1, preference: 0 },
  ]);
}

/** Which tokens of the two continuations are compared: those of the first differing step, or all. */
export type PreferenceScope = "step" | "continuation";

/**
 * A medicine record as a pair: the likelihood counts on the whole chosen answer, right steps before the first wrong one included; the
 * comparison on the tokens of `scope`.
 */
export function medicinePair(
  encoder: SolutionEncoder,
  record: MedicineRecord,
  { scope }: { readonly scope: PreferenceScope },
): PreferencePair {
  const text = (continuation: string): PreferenceText => {
    const stepEnd = continuation.indexOf("\n") + 1 || continuation.length;
    const isWhole = stepEnd === continuation.length;
    const step = encoder.encode(continuation.slice(0, stepEnd));
    const rest = isWhole ? [] : encoder.encode(continuation.slice(stepEnd));
    const end = [encoder.endTokenId];
    return joined([
      { tokenIds: encoder.prompt(record.question), weight: 0, preference: 0 },
      { tokenIds: record.prefix === "" ? [] : encoder.encode(record.prefix), weight: 1, preference: 0 },
      { tokenIds: isWhole ? [...step, ...end] : step, weight: 1, preference: 1 },
      { tokenIds: isWhole ? [] : [...rest, ...end], weight: 1, preference: scope === "step" ? 0 : 1 },
    ]);
  };
  return { chosen: text(record.chosen), rejected: text(record.rejected) };
}

function joined(
  parts: readonly { tokenIds: readonly number[]; weight: number; preference: number }[],
): PreferenceText {
  const spread = (valueOf: (part: { weight: number; preference: number }) => number): number[] =>
    parts.flatMap((part) => part.tokenIds.map(() => valueOf(part)));
  return {
    tokenIds: parts.flatMap(({ tokenIds }) => tokenIds),
    weights: spread(({ weight }) => weight),
    preference: spread(({ preference }) => preference),
  };
}
