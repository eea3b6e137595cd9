import { expect, test } from "vitest";
import {
  LeakFinder,
  normalizedQuestion,
  refuseEvaluationProblems,
  refuseEvaluationTexts,
} from "./evaluation-leak.ts";

test("case, spacing and punctuation do not hide a twin, numbers do matter", () => {
  expect(normalizedQuestion("Tom  has 3.5 apples, Ann\nhas 4. How many?")).toBe(
    "tom has 3.5 apples ann has 4 how many",
  );
  expect(normalizedQuestion("Tom has 3 apples")).not.toBe(normalizedQuestion("Tom has 4 apples"));
});

test("every leak is counted and the first ones are named", () => {
  const evaluation = [{ id: "test-1", question: "What is 2 + 2?" }];
  const learned = [
    { id: "train-1", question: "what is 2 + 2 ?" },
    { id: "train-2", question: "What is 3 + 2?" },
  ];
  expect(() => refuseEvaluationProblems(learned, evaluation)).toThrowErrorMatchingInlineSnapshot(
    `[BitmendError: refuseEvaluationProblems(): expected no evaluation problem among the training problems, got train-1 = test-1. Take training problems from the training split, or remove these.]`,
  );
  expect(() => refuseEvaluationProblems(learned.slice(1), evaluation)).not.toThrow();
});

// 20 words, of which 3, 6 and 12 are numbers.
const question = "Ann buys 12 pens and 7 books at the shop in 3 days. How many things does she have now?";
const finder = new LeakFinder([{ id: "test-1", question }]);
const shareIn = (text: string): number | null => finder.find({ id: "train-1", text })?.share ?? null;

test("worked example: another name is the same problem, another number is another", () => {
  expect(shareIn(question)).toBe(1);
  expect(shareIn(question.replace("Ann", "Bob"))).toBeCloseTo(19 / 20, 10);
  expect(shareIn(question.replace("12", "13"))).toBeNull();
  expect(shareIn(question.replace("3 days", "4 days"))).toBeNull();
  // The first 13 words, with all numbers, are more than half of it; the last 13 lack a number.
  expect(shareIn(`Once ${question.split(" ").slice(0, 13).join(" ")} and so on`)).toBeCloseTo(13 / 20, 10);
  expect(shareIn(question.split(" ").slice(-13).join(" "))).toBeNull();
});

test("a question inside a longer text is found, also a short one, but not one of four words", () => {
  const short = [
    { id: "five", question: "What is 17 times 23?" },
    { id: "four", question: "What is 17 * 23?".replace(" * ", "*") },
  ];
  const learned = [{ id: "line 3", text: "Question: what is 17 times 23? Answer: 391. What is 17*23? 391" }];
  expect(() => refuseEvaluationTexts(learned, short)).toThrow("line 3 = five");
  expect(() => refuseEvaluationTexts(learned, short.slice(1))).not.toThrow();
  expect(shareIn(`A collection of problems. ${question} She has 19 things. The end.`)).toBe(1);
});
