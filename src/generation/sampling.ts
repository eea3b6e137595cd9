/**
 * @file Choosing the next token from logits: greedy, or a draw from a truncated distribution.
 *
 * The order is that of the transformers library (`generation/utils.py`, `_get_logits_processor`): repetition penalty, temperature, top-k,
 * top-p, min-p, then a draw from what is left. All arithmetic is float64 over the float32 logits.
 */
import type { RandomStream } from "../util/random.ts";
import { BitmendError } from "../util/errors.ts";

/** How the next token is chosen. */
export interface SamplingOptions {
  /** Divides the logits; 0 means greedy: the highest logit, the lowest id among equals. Default: 0. */
  readonly temperature?: number;
  /** Keeps the k most likely tokens; 0 keeps all. Default: 0. */
  readonly topK?: number;
  /** Keeps the smallest set of most likely tokens with at least this probability mass ({@link https://arxiv.org/abs/1904.09751 | Holtzman et al. 2019}). Default: 1. */
  readonly topP?: number;
  /** Keeps tokens at least this fraction as likely as the most likely one ({@link https://arxiv.org/abs/2407.01082 | Nguyen et al. 2024}). Default: 0. */
  readonly minP?: number;
  /** Divides positive and multiplies negative logits of tokens already in prompt or completion ({@link https://arxiv.org/abs/1909.05858 | CTRL, section 4.1}). Default: 1. */
  readonly repetitionPenalty?: number;
}

/** One token that may be drawn. */
interface Candidate {
  readonly tokenId: number;
  /** Probability relative to the most likely token. */
  readonly weight: number;
}

/** What a choice depends on besides the logits. */
export interface SamplingContext {
  /** Tokens of prompt and completion so far; read by the repetition penalty only. */
  readonly seen: ReadonlySet<number>;
  readonly random: RandomStream;
}

/**
 * Checks sampling options.
 *
 * @throws {BitmendError} `generation/bad-options` names every option out of range.
 */
export function validateSampling(options: SamplingOptions): void {
  const { temperature, topK, topP, minP, repetitionPenalty } = withDefaults(options);
  const checks: readonly (readonly [boolean, string])[] = [
    [temperature >= 0 && Number.isFinite(temperature), `temperature=${temperature} (0 or more)`],
    [Number.isInteger(topK) && topK >= 0, `topK=${topK} (0 or a count)`],
    [topP > 0 && topP <= 1, `topP=${topP} (above 0, at most 1)`],
    [minP >= 0 && minP <= 1, `minP=${minP} (0 to 1)`],
    [
      repetitionPenalty > 0 && Number.isFinite(repetitionPenalty),
      `repetitionPenalty=${repetitionPenalty} (above 0)`,
    ],
  ];
  const offenders = checks.filter(([valid]) => !valid).map(([, text]) => text);
  if (offenders.length === 0) return;
  throw new BitmendError(
    "generation/bad-options",
    `generate(): expected sampling options in range, got ${offenders.join(", ")}.`,
  );
}

/** True when the next token is the highest logit itself, which the graph computes without handing out logits. */
export function isPlainGreedy(options: SamplingOptions): boolean {
  const { temperature, repetitionPenalty } = withDefaults(options);
  return temperature === 0 && repetitionPenalty === 1;
}

/** Chooses a token id; `logits` is [vocabularySize] and is not changed. */
export function sampleToken(
  logits: Float32Array,
  options: SamplingOptions,
  { seen, random }: SamplingContext,
): number {
  const settings = withDefaults(options);
  const penalized =
    settings.repetitionPenalty === 1 ? logits : penalize(logits, settings.repetitionPenalty, seen);
  const best = highest(penalized);
  if (settings.temperature === 0) return best;
  return draw(truncate(penalized, { ...settings, largest: penalized[best]! }), random);
}

function withDefaults(options: SamplingOptions): Required<SamplingOptions> {
  return { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, ...options };
}

function penalize(logits: Float32Array, penalty: number, seen: ReadonlySet<number>): Float32Array {
  const penalized = logits.slice();
  for (const tokenId of seen) {
    const logit = penalized[tokenId];
    if (logit !== undefined) penalized[tokenId] = logit < 0 ? logit * penalty : logit / penalty;
  }
  return penalized;
}

function highest(logits: Float32Array): number {
  let best = 0;
  for (let tokenId = 1; tokenId < logits.length; tokenId++)
    if (logits[tokenId]! > logits[best]!) best = tokenId;
  return best;
}

/** What the truncations leave, in a fixed order. */
function truncate(
  logits: Float32Array,
  settings: Required<SamplingOptions> & { largest: number },
): Candidate[] {
  const { topK, topP, minP } = settings;
  const sorted = likeliest(logits, settings);
  const kept = topK === 0 ? sorted : sorted.slice(0, topK);
  const nucleus = topP === 1 ? kept : takeMass(kept, topP * sumWeights(kept));
  return minP === 0 ? nucleus : nucleus.filter(({ weight }) => weight >= minP);
}

/**
 * A sorted list of the likeliest tokens that is sure to hold all that the truncations keep.
 *
 * A vocabulary has 150 000 tokens and a nucleus a few dozen, so a narrow band below the best logit is sorted first and widened only
 * when it does not hold enough.
 */
function likeliest(
  logits: Float32Array,
  { largest, temperature, topK, topP, minP }: Required<SamplingOptions> & { largest: number },
): Candidate[] {
  const weightOf = (logit: number): number => Math.exp((logit - largest) / temperature);
  const all = (): Candidate[] =>
    Array.from(logits, (logit, tokenId) => ({ tokenId, weight: weightOf(logit) }));
  if (topK === 0 && topP === 1 && minP === 0) return all();
  const isEnough = sufficiency(logits, { weightOf, topK, topP, minP });
  for (const lowest of [1e-4, 1e-12]) {
    const candidates: Candidate[] = [];
    for (const [tokenId, logit] of logits.entries()) {
      const weight = weightOf(logit);
      if (weight >= lowest) candidates.push({ tokenId, weight });
    }
    if (isEnough(candidates, lowest)) return candidates.toSorted(byFallingWeight);
  }
  return all().toSorted(byFallingWeight);
}

/** Whether the candidates of at least weight `lowest` hold everything that truncation keeps. */
function sufficiency(
  logits: Float32Array,
  {
    weightOf,
    topK,
    topP,
    minP,
  }: { weightOf: (logit: number) => number; topK: number; topP: number; minP: number },
): (candidates: readonly Candidate[], lowest: number) => boolean {
  if (topK > 0) return (candidates) => candidates.length >= topK;
  if (topP === 1) return (_, lowest) => lowest <= minP;
  const mass = topP * logits.reduce((sum, logit) => sum + weightOf(logit), 0);
  return (candidates) => sumWeights(candidates) >= mass;
}

function byFallingWeight(a: Candidate, b: Candidate): number {
  return b.weight - a.weight || a.tokenId - b.tokenId;
}

/** The shortest beginning of `candidates` that weighs at least `mass`. */
function takeMass(candidates: readonly Candidate[], mass: number): Candidate[] {
  let sum = 0;
  const end = candidates.findIndex(({ weight }) => (sum += weight) >= mass);
  return candidates.slice(0, end === -1 ? candidates.length : end + 1);
}

function sumWeights(candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { weight }) => sum + weight, 0);
}

function draw(candidates: readonly Candidate[], random: RandomStream): number {
  let remaining = random.next() * sumWeights(candidates);
  for (const { tokenId, weight } of candidates) {
    remaining -= weight;
    if (remaining < 0) return tokenId;
  }
  // Rounding can leave a rest after the last candidate.
  return candidates.at(-1)!.tokenId;
}
