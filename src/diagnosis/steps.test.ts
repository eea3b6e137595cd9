import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { solutionSteps, textBeforeStep } from "./steps.ts";

const texts = (completion: string): string[] => solutionSteps(completion).map((step) => step.text);

describe("solutionSteps", () => {
  test("lines are steps, empty ones are not", () =>
    expect(texts("cost: 12*4=48\n\n left: 60-48=12 \n#### 12\n")).toEqual([
      "cost: 12*4=48",
      "left: 60-48=12",
      "#### 12",
    ]));

  test("numbered headings hold the lines below them; the answer line stands alone", () => {
    expect(texts("Step 1: find x\nx = 3\nStep 2: double it\n3*2 = 6\n#### 6")).toEqual([
      "Step 1: find x\nx = 3",
      "Step 2: double it\n3*2 = 6",
      "#### 6",
    ]);
    expect(texts("Intro.\n1. First\n2. Second")).toEqual(["Intro.", "1. First", "2. Second"]);
    expect(texts("Step 1: 2+2=4. Step 2: 4*3=12.")).toEqual(["Step 1: 2+2=4.", "Step 2: 4*3=12."]);
  });

  test("numbers that do not count upwards from 1 are no headings", () =>
    expect(texts("3. apples\nfoo\n7. pears")).toEqual(["3. apples", "foo", "7. pears"]));

  test("one paragraph of prose is cut into sentences, decimals are not", () =>
    expect(texts("He pays 3.50 dollars. She has $4 left. Done!")).toEqual([
      "He pays 3.50 dollars.",
      "She has $4 left.",
      "Done!",
    ]));

  test("nothing has no steps", () => expect(texts(" \n ")).toEqual([]));

  test("the text before a step is what the model wrote before it", () => {
    const completion = "a: 1+1=2\n\nb: 2+2=4\n#### 4";
    expect(textBeforeStep(completion, 0)).toBe("");
    expect(textBeforeStep(completion, 1)).toBe("a: 1+1=2\n\n");
    expect(textBeforeStep(completion, 3)).toBe(completion);
  });

  test("property: steps lie in order in the text, and between them is only space", () => {
    const pieces = fc.array(
      fc.constantFrom("a", "B. ", "\n", "Step 1: ", "Step 2: ", "\n2. ", "\n1. ", "#### 3", " ", "!"),
    );
    fc.assert(
      fc.property(pieces, (words) => {
        const completion = words.join("");
        let end = 0;
        for (const step of solutionSteps(completion)) {
          expect(completion.slice(step.start, step.end)).toBe(step.text);
          expect(completion.slice(end, step.start).trim()).toBe("");
          end = step.end;
        }
        expect(completion.slice(end).trim()).toBe("");
      }),
    );
  });
});
