import { describe, expect, test } from "vitest";
import { diagnose } from "./diagnose.ts";
import { describeRubric } from "./rubric.ts";

const question =
  "Mia has 60 dollars and 7 pens. She buys 4 bags for 12 dollars each and 3 cards for 2 dollars each. How much is left?";
const right = ["bags: 12*4=48", "cards: 3*2=6", "cost: 48+6=54", "left: 60-54=6", "#### 6"];

/** The right solution with some lines exchanged. */
const withLines = (changes: Readonly<Record<number, string>>): string =>
  right.map((line, index) => changes[index] ?? line).join("\n");

const withReference = (completion: string) =>
  diagnose({ question, completion, references: [right.join("\n")] });

interface Example {
  readonly name: string;
  readonly completion: string;
  readonly step: number;
  readonly type: string;
  readonly evidence: string;
}

const examples: Example[] = [
  {
    name: "arithmetic",
    completion: withLines({ 0: "bags: 12*4=46", 2: "cost: 46+6=52", 3: "left: 60-52=8", 4: "#### 8" }),
    step: 0,
    type: "numerical-computation-error",
    evidence: "step 1 writes 12*4=46; 12*4 is 48",
  },
  {
    name: "swapped operands of a product, then a wrong sum",
    completion: withLines({ 0: "bags: 4*12=48", 2: "cost: 6+48=64", 4: "#### 7" }),
    step: 2,
    type: "numerical-computation-error",
    evidence: "step 3 writes 6+48=64; 6+48 is 54",
  },
  {
    name: "form",
    completion: withLines({ 1: "cards cards = 6", 4: "#### 7" }),
    step: 1,
    type: "symbolic-manipulation-error",
    evidence:
      'step 2 writes "cards cards = 6", which is neither an equation "label: a OP b=c" nor a final answer',
  },
  {
    name: "a step left out in the middle",
    completion: [right[0], "cost: 48+6=54", "left: 60-54=6", "#### 7"].join("\n"),
    step: 1,
    type: "procedural-error",
    evidence: "step 2 computes 48+6, which belongs to step 3; 3*2 comes first",
  },
  {
    name: "a step left out at the end",
    completion: [...right.slice(0, 3), "#### 54"].join("\n"),
    step: 3,
    type: "procedural-error",
    evidence: "step 4 gives the final answer although 60-54 is still to be computed",
  },
  {
    name: "a step done twice",
    completion: [right[0], right[0], "#### 48"].join("\n"),
    step: 1,
    type: "procedural-error",
    evidence: "step 2 computes 12*4 again, as step 1 did",
  },
  {
    name: "a step too many",
    completion: [...right.slice(0, 4), "left: 6-3=3", "#### 3"].join("\n"),
    step: 4,
    type: "procedural-error",
    evidence: "step 5 computes 6-3 although nothing is left to be computed",
  },
  {
    name: "operator",
    completion: withLines({ 3: "left: 60+54=114", 4: "#### 114" }),
    step: 3,
    type: "formula-rule-error",
    evidence: "step 4 computes 60+54; right is 60-54",
  },
  {
    name: "difference the other way round",
    completion: withLines({ 3: "left: 54-60=6", 4: "#### 7" }),
    step: 3,
    type: "formula-rule-error",
    evidence: "step 4 computes 54-60; right is 60-54",
  },
  {
    name: "operand from nowhere",
    completion: withLines({ 3: "left: 61-54=7", 4: "#### 7" }),
    step: 3,
    type: "symbolic-manipulation-error",
    evidence:
      "step 4 computes 61-54; right is 60-54: 61 stands neither in the problem nor as an earlier result",
  },
  {
    name: "operand of the problem taken for another",
    completion: withLines({ 1: "cards: 3*7=21", 2: "cost: 48+21=69", 4: "#### 9" }),
    step: 1,
    type: "contextual-oversight",
    evidence: "step 2 computes 3*7; right is 3*2: 7 is taken instead of 2, which the problem states",
  },
  {
    name: "a number taken instead of an earlier result",
    completion: withLines({ 3: "left: 60-48=12", 4: "#### 12" }),
    step: 3,
    type: "logical-reasoning-error",
    evidence: "step 4 computes 60-48; right is 60-54: 48 is taken instead of 54, the result of step 3",
  },
  {
    name: "both operands",
    completion: withLines({ 0: "bags: 7*3=21", 4: "#### 9" }),
    step: 0,
    type: "conceptual-misunderstanding",
    evidence: "step 1 computes 7*3; right is 12*4",
  },
  {
    name: "label",
    completion: withLines({ 1: "bags: 3*2=6", 4: "#### 7" }),
    step: 1,
    type: "symbolic-manipulation-error",
    evidence: 'step 2 calls its result "bags"; it is "cards"',
  },
  {
    name: "answer not copied",
    completion: withLines({ 4: "#### 54" }),
    step: 4,
    type: "logical-reasoning-error",
    evidence: 'step 5 answers "#### 54"; the result of step 4 is 6',
  },
];

describe("with a right solution, the first wrong step and its type are named", () => {
  test.each(examples)("$name", ({ completion, step, type, evidence }) =>
    expect(withReference(completion)).toMatchObject({ firstWrongStep: step, type, evidence }),
  );

  test("of two errors the first one counts", () => {
    const completion = withLines({ 1: "cards: 3+2=5", 2: "cost: 48+5=54", 3: "left: 60-54=7", 4: "#### 7" });
    expect(withReference(completion)).toMatchObject({ firstWrongStep: 1, type: "formula-rule-error" });
  });
});

describe("a degenerate completion has no wrong step", () => {
  test.each([
    ["bags: 12*4=48", "the output ends without a final answer"],
    [`bags: 12*4=48\n${"cards: 3*2=6\n".repeat(9)}`, "the output ends in a loop"],
    ["+ + = 3 - =", "the output is not text"],
  ])("%j", (completion, evidence) =>
    expect(withReference(completion)).toMatchObject({ firstWrongStep: null, type: "degenerate", evidence }),
  );

  test("the grade of the run is taken over", () =>
    expect(
      diagnose({ question, completion: right.join("\n"), references: [], degenerate: "loop" }).type,
    ).toBe("degenerate"));
});

const alone = (completion: string, answer?: string) =>
  diagnose({ question, completion, references: [], ...(answer === undefined ? {} : { answer }) });

describe("without a right solution", () => {
  test("arithmetic, sources of operands and the copied answer are still checked, and the evidence says what is missing", () => {
    expect(alone(withLines({ 0: "bags: 12*4=46" })).evidence).toMatchInlineSnapshot(
      `"step 1 writes 12*4=46; 12*4 is 48 (no right solution to compare with)"`,
    );
    expect(alone(withLines({ 3: "left: 61-54=7", 4: "#### 7" }))).toMatchObject({
      firstWrongStep: 3,
      type: "symbolic-manipulation-error",
    });
    expect(alone(withLines({ 4: "#### 54" }))).toMatchObject({ firstWrongStep: 4 });
  });

  test("a consistent wrong plan is not located", () =>
    expect(alone(withLines({ 3: "left: 60-48=12", 4: "#### 12" }))).toMatchObject({ firstWrongStep: null }));

  test("the right answer lets a wrong plan be repaired", () => {
    const found = alone(withLines({ 3: "left: 60-48=12", 4: "#### 12" }), "6");
    expect(found).toMatchObject({ firstWrongStep: 3, type: "logical-reasoning-error" });
    expect(found.evidence).toContain("judged by the smallest change that reaches the right answer");
  });

  test("another wrong attempt may be easier to repair", () => {
    const completion = ["bags: 12*3=36", "left: 60-36=24", "#### 24"].join("\n");
    const other = withLines({ 0: "bags: 12*4=46", 2: "cost: 46+6=52", 3: "left: 60-52=8", 4: "#### 8" });
    expect(
      diagnose({ question, completion, references: [], answer: "6", otherAttempts: [other] }),
    ).toMatchObject({ firstWrongStep: 0, type: "contextual-oversight" });
  });
});

test("a reference whose own steps do not check out is not believed", () => {
  const wrongTwice = withLines({ 0: "bags: 12*4=46", 2: "cost: 46+6=54" });
  const completion = withLines({ 3: "left: 60-54=7", 4: "#### 7" });
  expect(diagnose({ question, completion, references: [wrongTwice, right.join("\n")] })).toMatchObject({
    firstWrongStep: 3,
    type: "numerical-computation-error",
  });
});

test("the rubric prints as a decision list", () =>
  expect(describeRubric()).toMatchInlineSnapshot(`
  "1. The completion is degenerate by rule: degenerate, no step is named.
  2. The line is neither \`label: a OP b=c\` nor a final answer line: symbolic-manipulation-error.
  3. A final answer line comes while steps are missing, or the equation is that of a later right step or of an earlier written one, or a step follows when all are done: procedural-error.
  4. The right two operands, combined by another operator or the other way round: formula-rule-error.
  5. One operand is wrong: symbolic-manipulation-error when its value stands neither in the question nor as an earlier result (miscopied), else logical-reasoning-error when the right one is an earlier result, else contextual-oversight. Both operands, or one and the operator, are wrong: conceptual-misunderstanding.
  6. Operands and operator are right and the result is wrong: numerical-computation-error.
  7. The equation is right and its label is another one: symbolic-manipulation-error (mislabelled).
  8. The final answer is not the result of the last step: logical-reasoning-error."
`));
