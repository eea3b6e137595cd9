import { bareChoice, chosenLetter } from "./choice.ts";
import { weakest, type Comparator } from "./comparator.ts";
import { compareExpressions } from "./compare-expressions.ts";
import type { Expression } from "./expression.ts";
import { findFinalAnswer, type AnswerPlace } from "./final-answer.ts";
import { parseAnswer } from "./parse-answer.ts";
import { comparableText, plainAnswer } from "./plain-answer.ts";
import { trailingUnit } from "./units.ts";

/** An answer to be graded. */
export interface AnswerToGrade {
  /** The right answer, or several of which one is enough; whole solutions are searched for theirs. */
  readonly gold: string | readonly string[];
  /** What was answered: the answer alone, or a text that holds it. */
  readonly answer: string;
  /** What a choice is made among: grading then looks for one letter. Default: found out from the right answer. */
  readonly kind?: "math" | "choice";
}

/** What came of it, with the reasons. */
export interface AnswerVerdict {
  readonly verdict: "correct" | "incorrect" | "no-answer";
  /** The answer as it was found. */
  readonly extracted: string | null;
  /** Where it was found. */
  readonly place: AnswerPlace | "letter" | null;
  /** What decided that both are the same; null for other verdicts. */
  readonly comparator: Comparator | null;
  /** For people: what was compared, in plain spelling, and how it came out. */
  readonly reason: string;
}

/** Grades one answer and says why. */
export function gradeAnswer({ gold, answer, kind }: AnswerToGrade): AnswerVerdict {
  const golds = typeof gold === "string" ? [gold] : gold;
  const verdicts: AnswerVerdict[] = [];
  for (const one of golds) {
    const verdict = gradeAgainst(one, answer, kind);
    if (verdict.verdict === "correct") return verdict;
    verdicts.push(verdict);
  }
  return verdicts[0] ?? missing("there is no right answer to compare with");
}

function gradeAgainst(gold: string, answer: string, kind: AnswerToGrade["kind"]): AnswerVerdict {
  const goldFound = findFinalAnswer(gold);
  const goldText = typeof goldFound === "string" ? gold : goldFound.text;
  const choice =
    kind === "math" ? null : choiceVerdict({ gold, goldText, answer, isChoice: kind === "choice" });
  if (choice !== null) return choice;
  if (comparableText(gold) !== "" && comparableText(gold) === comparableText(answer)) {
    return correct({ text: plainAnswer(answer), place: "whole text" }, "same text", "the texts are the same");
  }
  const found = findFinalAnswer(answer);
  if (typeof found === "string") return missing(found);
  const [right, given] = [plainAnswer(goldText), plainAnswer(found.text)];
  if (comparableText(goldText) !== "" && comparableText(goldText) === comparableText(found.text)) {
    return correct(found, "same text", `${given} is the right answer as it is written`);
  }
  const outcome = comparePlain(right, given);
  if (typeof outcome === "string") {
    return {
      verdict: "incorrect",
      extracted: found.text,
      place: found.place,
      comparator: null,
      reason: outcome,
    };
  }
  return correct(found, outcome.comparator, outcome.reason);
}

function correct(
  { text, place }: { text: string; place: AnswerPlace },
  comparator: Comparator,
  reason: string,
): AnswerVerdict {
  return { verdict: "correct", extracted: text, place, comparator, reason };
}

function missing(reason: string): AnswerVerdict {
  return { verdict: "no-answer", extracted: null, place: null, comparator: null, reason };
}

/** The verdict where one side is nothing but a letter of choice; null where none is. */
function choiceVerdict({
  gold,
  goldText,
  answer,
  isChoice,
}: {
  gold: string;
  goldText: string;
  answer: string;
  isChoice: boolean;
}): AnswerVerdict | null {
  const right = bareChoice(goldText) ?? bareChoice(gold);
  const alone = bareChoice(answer);
  // A lone letter is an option only against an option: E alone may be a variable.
  const expected = right ?? (alone !== null && /^\(?[A-J]\)?[\s.:]/mu.test(gold) ? chosenLetter(gold) : null);
  if (expected === null && !isChoice) return null;
  const given = alone ?? chosenLetter(answer);
  if (given === null) return isChoice ? missing("no letter is chosen") : null;
  const isRight = given === (expected ?? chosenLetter(gold));
  const reason = isRight ? `option ${given} is the right one` : `option ${given} is not ${expected}`;
  const verdict = isRight ? "correct" : "incorrect";
  return { verdict, extracted: given, place: "letter", comparator: isRight ? "choice" : null, reason };
}

/** Compares two answers in every way they can be read; the reason why not, where none makes them the same. */
function comparePlain(gold: string, given: string): { comparator: Comparator; reason: string } | string {
  if (isTime(gold) && isTime(given)) return `${given} is another time than ${gold}`;
  const [goldUnit, givenUnit] = [trailingUnit(gold), trailingUnit(given)];
  if (goldUnit !== null && givenUnit !== null && goldUnit.unit !== givenUnit.unit) {
    return `the unit of ${given} is not that of ${gold}`;
  }
  const pairs: (readonly [
    gold: readonly Expression[],
    given: readonly Expression[],
    extra: Comparator | null,
  ])[] = [
    [readings(gold), readings(given), null],
    [readings(goldUnit?.rest ?? gold), readings(givenUnit?.rest ?? given), "unit"],
  ];
  for (const [rights, givens, extra] of pairs) {
    for (const right of rights) {
      for (const candidate of givens) {
        const comparator = compareExpressions(right, candidate);
        if (comparator === null) continue;
        const decided = extra === null ? comparator : weakest([comparator, extra]);
        return { comparator: decided, reason: `${given} is the same as ${gold} (${decided})` };
      }
    }
  }
  const unread = [gold, given].filter((text) => readings(text).length === 0);
  return unread.length > 0
    ? `${unread.join(" and ")} cannot be read as mathematics, and the texts differ`
    : `${given} is not ${gold}`;
}

/** What a spelling can mean: with a comma as separator, and as decimal point. */
function readings(text: string): Expression[] {
  const plain = parseAnswer(text);
  // A list in brackets is no number.
  const european = /^[^\d()[\]{}]*\d+,\d+[^\d,()[\]]*$/u.test(text)
    ? parseAnswer(text, { decimalComma: true })
    : null;
  return [plain, european].filter((reading) => reading !== null);
}

/** 12:00 and 1:00 are times, not ratios; equal ones were found equal as texts. */
function isTime(text: string): boolean {
  return /^\d{1,2}:\d\d$/u.test(text);
}
