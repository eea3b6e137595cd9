import { describe, expect, test } from "vitest";
import { formatExactNumber } from "../grading/exact-number.ts";
import { diagnose } from "./diagnose.ts";
import { labelledStep } from "./labelled-step.ts";
import { namedValue, statedValues } from "./named-value.ts";

const question =
  "Ann is 40 years old. Kim is 2 times as old as Ann. Leo is 19 years younger than Kim. Let a = 7.";

test("what a question states is read, what it only compares is not", () =>
  expect([...statedValues(question)].map(([name, value]) => `${name} ${formatExactNumber(value)}`)).toEqual([
    "Ann 40",
    "a 7",
  ]));

describe("namedValue", () => {
  const earlier = [labelledStep("Kim Ann: 40*2=80")].filter((step) => step.kind === "equation");
  const named = (label: string): string | undefined => {
    const found = namedValue(label, earlier, statedValues(question));
    return found === null ? undefined : `${formatExactNumber(found.value)} of ${found.step ?? "question"}`;
  };

  test("a name is an earlier result before it is a number of the question", () => {
    expect(named("Leo Kim")).toBe("80 of 0");
    expect(named("Leo Ann")).toBe("40 of question");
  });

  test("unknown names and labels of another length name nothing", () =>
    expect([named("Leo Eva"), named("Kim"), named("sum of Kim")]).toEqual([undefined, undefined, undefined]));
});

test("without a right solution, a step that does not use what it names is wrong", () => {
  const found = diagnose({
    question,
    completion: "Kim Ann: 40*2=80\nLeo Kim: 40-19=21\n#### 21",
    references: [],
  });
  expect(found).toMatchObject({ firstWrongStep: 1, type: "logical-reasoning-error" });
  expect(found.evidence).toMatchInlineSnapshot(
    `"step 2 computes 40-19 and names Kim, which is 80, the result of step 1 (no right solution to compare with)"`,
  );
});
