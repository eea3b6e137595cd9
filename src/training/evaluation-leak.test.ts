import { expect, test } from "vitest";
import { normalizedQuestion, refuseEvaluationProblems } from "./evaluation-leak.ts";

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
