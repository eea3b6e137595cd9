import { describe, expect, test } from "vitest";
import { diagnose } from "./diagnose.ts";

const question = "Natalia sold clips to 48 friends in April, and half as many in May. How many did she sell?";
const right = "In May she sold 48/2 = <<48/2=24>>24 clips.\nAltogether 48+24 = <<48+24=72>>72.\n#### 72";

const second = (line: string) =>
  diagnose({ question, completion: `In May she sold 48/2 = 24 clips.\n${line}`, references: [right] });

describe("free text", () => {
  test("an equation that does not hold", () =>
    expect(
      diagnose({
        question,
        completion: "In May she sold 48 / 2 = 23 clips.\nAltogether 48 + 23 = 71.\n#### 71",
        references: [right],
      }),
    ).toMatchObject({
      firstWrongStep: 0,
      type: "numerical-computation-error",
      evidence: "step 1 writes 48 / 2 = 23; 48 / 2 is 24",
    }));

  test("a result that no right solution has, by the numbers and the operation used", () => {
    expect(second("Altogether 48 - 24 = 24 and 48 * 24 = 1152.\n#### 1152").type).toBe("formula-rule-error");
    expect(second("Altogether 48 + 48 = 96.\n#### 96").type).toBe("logical-reasoning-error");
    expect(second("Altogether 48 + 25 = 73.\n#### 73").type).toBe("symbolic-manipulation-error");
  });

  test("an answer that stands nowhere before it", () =>
    expect(
      diagnose({
        question,
        completion: "In May 48/2 = 24.\nTogether 48+24 = 72.\n#### 70",
        references: [right],
      }),
    ).toMatchObject({ firstWrongStep: 2, type: "logical-reasoning-error" }));

  test("words that cannot be checked are admitted", () =>
    expect(
      diagnose({ question, completion: "She sold many clips.\nThe answer is 48.", references: [] }),
    ).toMatchObject({ firstWrongStep: null, type: "conceptual-misunderstanding" }));
});
