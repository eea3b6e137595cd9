/**
 * @file What is learned from or calibrated on must not be what is measured on.
 *
 * A text leaks an evaluation question when, after normalisation,
 *
 *     it is the question, or
 *     it holds the whole question, word for word, where that has 5 to 12 words, or
 *     runs of 13 words that both have cover at least half of the question's words, and every word of it with a digit.
 *
 * Runs of 13 words are those of {@link https://arxiv.org/abs/2005.14165 | GPT-3, Brown et al. 2020}, appendix C. Departures: 1. one common run
 * is not enough, since problems made from one template share them; half of the words must be in common. 2. Numbers must agree: the same
 * sentence with another number is another problem. Counted in one text at a time.
 */
import { BitmendError } from "../util/errors.ts";

/** A text that is learned from, or a question, under the name that people find it by. */
export interface NamedText {
  readonly id: string;
  readonly text: string;
}

/** A problem as far as its text goes. */
export interface QuestionText {
  readonly id: string;
  readonly question: string;
}

/** One evaluation question that a text gives away. */
interface Leak {
  readonly learned: string;
  readonly evaluation: string;
  /** Of the question's words, 1 for all. */
  readonly share: number;
}

const runWords = 13;
const fewestWords = 5;
const leastShare = 0.5;

/** The text with case, spacing, punctuation around words and Unicode variants of characters taken away; numbers and operators stay. */
export function normalizedQuestion(question: string): string {
  return question
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/(?<!\d)[.,;:!?'"`]+|[.,;:!?'"`]+(?!\d)/gv, " ")
    .replaceAll(/\s+/gv, " ")
    .trim();
}

/** Finds evaluation questions in texts. */
export class LeakFinder {
  readonly #questions: readonly { readonly id: string; readonly words: readonly string[] }[];
  readonly #byText: ReadonlyMap<string, number>;
  /** By number of words in a run, then by run: where it stands, as question and first word. */
  readonly #runs = new Map<number, Map<string, [question: number, firstWord: number][]>>();

  constructor(evaluation: readonly QuestionText[]) {
    const normalized = evaluation.map(({ question }) => normalizedQuestion(question));
    this.#byText = new Map(normalized.map((text, index) => [text, index]));
    this.#questions = normalized.map((text, index) => ({
      id: evaluation[index]!.id,
      words: text.split(" "),
    }));
    for (const [index, { words }] of this.#questions.entries()) {
      if (words.length < fewestWords) continue;
      const length = Math.min(runWords, words.length);
      const runs = this.#runs.get(length) ?? new Map<string, [number, number][]>();
      this.#runs.set(length, runs);
      for (const [first, run] of runsOf(words, length)) {
        const places = runs.get(run) ?? [];
        places.push([index, first]);
        runs.set(run, places);
      }
    }
  }

  /** The question that `text` gives away most of; null when there is none. */
  find({ id, text }: NamedText): Leak | null {
    const normalized = normalizedQuestion(text);
    const twin = this.#byText.get(normalized);
    if (twin !== undefined) return { learned: id, evaluation: this.#questions[twin]!.id, share: 1 };
    let worst: Leak | null = null;
    for (const [question, covered] of this.#covered(normalized.split(" "))) {
      const { words, id: evaluation } = this.#questions[question]!;
      const share = covered.size / words.length;
      const hasNumbers = words.every((word, index) => covered.has(index) || !/\d/u.test(word));
      if (share >= leastShare && hasNumbers && share > (worst?.share ?? 0))
        worst = { learned: id, evaluation, share };
    }
    return worst;
  }

  /** By question, the indices of its words that lie in runs of `words`. */
  #covered(words: readonly string[]): Map<number, Set<number>> {
    const covered = new Map<number, Set<number>>();
    for (const [length, runs] of this.#runs) {
      for (const [, run] of runsOf(words, length)) {
        for (const [question, first] of runs.get(run) ?? []) {
          const indices = covered.get(question) ?? new Set();
          covered.set(question, indices);
          for (let index = first; index < first + length; index++) indices.add(index);
        }
      }
    }
    return covered;
  }
}

/**
 * Every run of `length` words.
 *
 * @yields the index of its first word, and the run
 */
function* runsOf(words: readonly string[], length: number): Generator<[firstWord: number, run: string]> {
  for (let first = 0; first + length <= words.length; first++)
    yield [first, words.slice(first, first + length).join(" ")];
}

/**
 * Refuses training, calibration or medicine problems that are evaluation problems, by the rule above.
 *
 * @throws {BitmendError} `training/evaluation-leak` counting them and naming the first ones.
 */
export function refuseEvaluationProblems(
  learned: readonly QuestionText[],
  evaluation: readonly QuestionText[],
): void {
  refuseEvaluationTexts(
    learned.map(({ id, question }) => ({ id, text: question })),
    evaluation,
  );
}

/** As {@link refuseEvaluationProblems}, for texts of any kind. */
export function refuseEvaluationTexts(
  learned: readonly NamedText[],
  evaluation: readonly QuestionText[],
): void {
  const finder = new LeakFinder(evaluation);
  const leaks = learned.flatMap((text) => finder.find(text) ?? []);
  if (leaks.length === 0) return;
  const shown = leaks
    .slice(0, 5)
    .map(({ learned: id, evaluation: twin, share }) =>
      share === 1 ? `${id} = ${twin}` : `${id} ~ ${twin} (${Math.round(share * 100)} % of its words)`,
    );
  const rest = leaks.length > 5 ? `, and ${leaks.length - 5} more` : "";
  throw new BitmendError(
    "training/evaluation-leak",
    `refuseEvaluationProblems(): expected no evaluation problem among the training problems, got ${shown.join(", ")}${rest}.`,
    { hint: "Take training problems from the training split, or remove these." },
  );
}
