import type { ErrorType } from "../runs/records.ts";

/** How one error type is shown. */
export interface ErrorTypeWords {
  /** One word, for axes and segments. */
  readonly short: string;
  /** The four classes of the taxonomy, and ours. */
  readonly class: "conceptual" | "method" | "execution" | "reasoning" | "degenerate";
  /** Completes "The first wrong step ...". */
  readonly definition: string;
}

/** P1's taxonomy and our rule-set eighth, in words (docs/papers.md names the source). */
export const errorTypeWords: Readonly<Record<ErrorType, ErrorTypeWords>> = {
  "conceptual-misunderstanding": {
    short: "concept",
    class: "conceptual",
    definition: "rests on a wrong idea of what is asked or of the theory behind it",
  },
  "contextual-oversight": {
    short: "context",
    class: "conceptual",
    definition: "overlooks a condition, a constraint or a datum that the problem states",
  },
  "procedural-error": {
    short: "procedure",
    class: "method",
    definition: "applies a right method in a wrong order, or skips or adds a part of it",
  },
  "formula-rule-error": {
    short: "formula",
    class: "method",
    definition: "uses a wrong formula, theorem or rule, or one that does not apply",
  },
  "numerical-computation-error": {
    short: "arithmetic",
    class: "execution",
    definition: "has right operands and operation and a wrong number",
  },
  "symbolic-manipulation-error": {
    short: "symbols",
    class: "execution",
    definition: "rewrites an expression wrongly, or mislabels or miscopies a quantity",
  },
  "logical-reasoning-error": {
    short: "logic",
    class: "reasoning",
    definition: "does not follow from the steps before it",
  },
  degenerate: {
    short: "degenerate",
    class: "degenerate",
    definition:
      "does not exist: the output loops, gives no answer, or is not text (set by rule, before any step is read)",
  },
};
