/** @file What `compare` says of runs on the same problems, whoever measured them. Scores, shares and differences are fractions of 1. */

/** A two-sided 95 % interval. */
type Interval = readonly [low: number, high: number];

/** What a system reaches with several samples a problem. */
export interface SampleSummary {
  readonly problems: number;
  /** Samples a problem; the smallest number where they differ. */
  readonly samples: number;
  /** mean@n: mean over problems of the mean over samples. */
  readonly score: number;
  /** Wilson where every problem is all right or all wrong, as with one sample each; else Student over problem means, cut at 0 and 1. */
  readonly interval: Interval;
  /** [k, pass@k], unbiased, k doubling up to `samples`; empty unless every sample is right or wrong. */
  readonly passAtK: readonly (readonly [k: number, share: number])[];
  /** [k, maj@k], exact over all subsets; empty unless every sample is right or wrong. */
  readonly majorityAtK: readonly (readonly [k: number, share: number])[];
}

/** What changed among the problems of one subject or level. */
export interface FlipGroup {
  readonly name: string;
  readonly n: number;
  readonly solvedBefore: number;
  readonly solvedAfter: number;
  readonly lost: number;
  readonly won: number;
}

/** How alike two systems' texts on the same problems are. */
export interface CompletionAgreement {
  /** What an index counts. */
  readonly unit: "characters" | "tokens";
  /** Pairs of texts. */
  readonly pairs: number;
  readonly identical: number;
  /** Median over the pairs that part of the index (from 0) at which they do; null where none parts. */
  readonly medianFirstDifference: number | null;
  /** The same as a share of the longer text. */
  readonly medianSharedPart: number | null;
}

/** Degenerate texts under one definition. */
export interface DegenerateRow {
  /** In what it departs from the definition in use; null for that one. */
  readonly variation: string | null;
  readonly share: number;
  readonly loop: number;
  readonly noAnswer: number;
  readonly notText: number;
}

/** Lengths and failures of form of one system's texts; shares of its samples with a text. */
export interface OutputShape {
  /** Samples with a text. */
  readonly texts: number;
  /** What `lengths` counts: tokens where the log says them for every text, else characters. */
  readonly unit: "tokens" | "characters";
  /** Type 7 quantiles; null without texts. */
  readonly lengths: {
    readonly mean: number;
    readonly median: number;
    readonly p90: number;
    readonly longest: number;
  } | null;
  /** Texts that the token limit ended, as the log says; null where it does not. */
  readonly truncated: number | null;
  /** Those of them that it ended inside their thoughts; null likewise. */
  readonly thoughtsTruncated: number | null;
  /** Texts that end in the middle of a sentence or of their thinking, as the text says. */
  readonly abrupt: number;
  /** The definition in use first; empty without texts. */
  readonly degenerate: readonly DegenerateRow[];
}

/** How a p value was found. */
type PairedTest = "mcnemar-exact" | "permutation-exact" | "permutation-drawn";

/** What a comparison could have found, with 80 % power at a two-sided level of 5 %. */
interface PairedPower {
  /** The difference asked about. */
  readonly difference: number;
  /** Problems that find it, at as many samples a problem. */
  readonly problems: number;
  /** Samples a problem that find it on these problems; null where none do, and where one sample says nothing about its noise. */
  readonly samples: number | null;
  /** The smallest difference that these problems and samples find. */
  readonly found: number;
}

/** One run against the baseline. */
export interface PairedResult {
  /** Score of the baseline minus that of the run. */
  readonly drop: number;
  /** Bootstrap percentile interval of `drop`, resampling problems. */
  readonly dropInterval: Interval;
  readonly p: number;
  readonly test: PairedTest;
  /** `p` adjusted for the number of runs compared (Holm). */
  readonly holmP: number;
  /** Problems that the baseline solves (more than half of the score) and the run does not; in problem order. */
  readonly lost: readonly string[];
  readonly won: readonly string[];
  readonly bothSolved: number;
  readonly neitherSolved: number;
  readonly bySubject: readonly FlipGroup[];
  readonly byLevel: readonly FlipGroup[];
  readonly power: PairedPower;
  /** Of first samples; null where a log holds no texts. */
  readonly agreement: CompletionAgreement | null;
}

/** One run beside the baseline, problem by problem. */
export interface RunComparison {
  readonly name: string;
  readonly summary: SampleSummary;
  /** Null for the baseline itself. */
  readonly paired: PairedResult | null;
  readonly shape: OutputShape;
}
