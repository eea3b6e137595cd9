/** @file The failing solutions a page carries: chosen so that every type stays represented, and cut to a size a page can hold. */
import { type DiagnosisRecord, type ErrorType, errorTypes } from "../runs/records.ts";
import type { RunRecords } from "./run-records.ts";

/** One failing solution; short keys, because thousands of them stand in one page. */
interface FailureCase {
  /** Index into `variants`. */
  readonly v: number;
  /** Index into `problems`. */
  readonly p: number;
  /** Index into `types`. */
  readonly t: number;
  readonly steps: readonly string[];
  /** First wrong step, 0-based; null when none is wrong by itself. */
  readonly wrong: number | null;
  readonly evidence: string;
  /** Extracted answer, null if none. */
  readonly answer: string | null;
}

/** One problem that some case is about. */
interface CaseProblem {
  readonly id: string;
  readonly question: string | null;
  readonly expected: string;
  readonly subject: string | null;
  readonly level: number | null;
  /** Full precision's solution; null where none was recorded. */
  readonly full: { readonly text: string; readonly right: boolean } | null;
}

export interface FailureCases {
  readonly variants: readonly {
    readonly name: string;
    readonly label: string;
    readonly failures: number;
    readonly shown: number;
    readonly full: boolean;
  }[];
  readonly types: readonly { readonly name: ErrorType; readonly short: string }[];
  readonly problems: readonly CaseProblem[];
  readonly cases: readonly FailureCase[];
}

export interface CaseLimits {
  /** Cases of one variant. */
  readonly perVariant: number;
  /** Characters of all cases and problems together. */
  readonly characters: number;
  /** Characters of one text; what is cut is said. */
  readonly textCharacters: number;
}

const defaultLimits: CaseLimits = { perVariant: 400, characters: 1_900_000, textCharacters: 6000 };

/** Chooses the cases to embed. Within a variant, types take turns, so that rare types are all there before frequent ones fill up. */
export function chooseCases(
  run: Pick<RunRecords, "diagnoses" | "comparisons">,
  limits: Pick<CaseLimits, "perVariant"> = defaultLimits,
): DiagnosisRecord[] {
  const byVariant = Map.groupBy(run.diagnoses, ({ variant }) => variant);
  // Full precision's own failures come last: what was lost is what a reader looks for.
  const variants = run.comparisons.map(({ variant }) => variant);
  const ordered = [
    ...variants.filter(({ method }) => method !== null),
    ...variants.filter(({ method }) => method === null),
  ];
  return ordered.flatMap((variant) => {
    const failures = byVariant.get(variant.name) ?? [];
    const seen = new Map<ErrorType, number>();
    const ranked = failures
      .map((failure) => {
        const turn = seen.get(failure.type) ?? 0;
        seen.set(failure.type, turn + 1);
        return { failure, turn };
      })
      .toSorted((left, right) => left.turn - right.turn);
    const kept = new Set(ranked.slice(0, limits.perVariant).map(({ failure }) => failure));
    return failures.filter((failure) => kept.has(failure));
  });
}

/** Collects the chosen cases with their problems and full precision's solutions; fewer per variant until all fit. */
export function failureCases(
  run: RunRecords,
  context: {
    labels: ReadonlyMap<string, string>;
    shortTypes: (type: ErrorType) => string;
    limits?: CaseLimits;
  },
): FailureCases {
  const limits = context.limits ?? defaultLimits;
  let perVariant = limits.perVariant;
  for (;;) {
    const collected = collect(run, { ...context, limits: { ...limits, perVariant } });
    if (perVariant <= 1 || JSON.stringify(collected).length <= limits.characters) return collected;
    perVariant = Math.max(1, Math.floor(perVariant * 0.7));
  }
}

function collect(
  run: RunRecords,
  context: {
    labels: ReadonlyMap<string, string>;
    shortTypes: (type: ErrorType) => string;
    limits: CaseLimits;
  },
): FailureCases {
  const chosen = chooseCases(run, context.limits);
  const problems = new ProblemIndex(run, context.limits);
  const answers = new Map(run.verdicts.map((one) => [caseKey(one), one]));
  const variants = run.comparisons.map(({ variant }) => ({
    name: variant.name,
    label: context.labels.get(variant.name) ?? variant.name,
    failures: run.diagnoses.filter((one) => one.variant === variant.name).length,
    shown: chosen.filter((one) => one.variant === variant.name).length,
    full: variant.method === null,
  }));
  const variantIndex = new Map(variants.map(({ name }, index) => [name, index]));
  const cases = chosen.map((diagnosis): FailureCase => ({
    v: variantIndex.get(diagnosis.variant)!,
    p: problems.indexOf(diagnosis.problem, answers.get(caseKey(diagnosis))?.expected ?? ""),
    t: errorTypes.indexOf(diagnosis.type),
    steps: cutSteps(diagnosis, context.limits.textCharacters),
    wrong: diagnosis.firstWrongStep,
    evidence: cutText(diagnosis.evidence, 1000),
    answer: cutAnswer(answers.get(caseKey(diagnosis))?.extracted),
  }));
  const types = errorTypes.map((name) => ({ name, short: context.shortTypes(name) }));
  return { variants, types, problems: problems.list, cases };
}

/** Gives each problem its place in the page's list, once. */
class ProblemIndex {
  readonly list: CaseProblem[] = [];
  readonly #places = new Map<string, number>();
  readonly #make: (id: string, expected: string) => CaseProblem;

  constructor(run: RunRecords, limits: CaseLimits) {
    const fullName = run.comparisons.find(({ variant }) => variant.method === null)?.variant.name;
    const ofFull = <Item extends { variant: string; problem: string }>(
      items: readonly Item[],
    ): Map<string, Item> =>
      new Map(items.filter(({ variant }) => variant === fullName).map((item) => [item.problem, item]));
    const texts = ofFull(run.completions);
    const verdicts = ofFull(run.verdicts);
    const records = new Map(run.problems.map((problem) => [problem.id, problem]));
    this.#make = (id, expected) => {
      const text = texts.get(id)?.text;
      const problem = records.get(id);
      return {
        id,
        question: problem === undefined ? null : cutText(problem.question, limits.textCharacters),
        expected,
        subject: problem?.subject ?? null,
        level: problem?.level ?? null,
        full:
          text === undefined
            ? null
            : { text: cutText(text, limits.textCharacters), right: verdicts.get(id)?.verdict === "correct" },
      };
    };
  }

  indexOf(id: string, expected: string): number {
    const known = this.#places.get(id);
    if (known !== undefined) return known;
    this.list.push(this.#make(id, expected));
    this.#places.set(id, this.list.length - 1);
    return this.list.length - 1;
  }
}

/** Keeps the steps up to a budget of characters, and always those up to the first wrong one (each cut on its own). */
function cutSteps({ steps, firstWrongStep }: DiagnosisRecord, budget: number): string[] {
  const kept: string[] = [];
  let left = budget;
  for (const [index, step] of steps.entries()) {
    if (left <= 0 && index > (firstWrongStep ?? 0)) {
      kept.push(`… ${steps.length - index} more steps left out of this page`);
      break;
    }
    const text = cutText(step, Math.max(400, left));
    kept.push(text);
    left -= text.length;
  }
  return kept;
}

function cutText(text: string, characters: number): string {
  if (text.length <= characters) return text;
  return `${text.slice(0, characters).toWellFormed()} … (${text.length - characters} characters left out of this page)`;
}

function cutAnswer(answer: string | null | undefined): string | null {
  return answer === null || answer === undefined ? null : cutText(answer, 200);
}

function caseKey({ variant, problem }: { variant: string; problem: string }): string {
  return JSON.stringify([variant, problem]);
}
