import { describe, expect, test } from "vitest";
import { formatEquation, labelledStep, type LabelledStep } from "./labelled-step.ts";
import { questionNumbers } from "./question-numbers.ts";
import { rightSolution } from "./right-solution.ts";

const read = (text: string): LabelledStep[] => text.split("\n").map((line) => labelledStep(line));

const chosen = (references: string[], written: string, otherAttempts: string[] = []): string[] | undefined =>
  rightSolution({
    references,
    written: read(written),
    otherAttempts: otherAttempts.map((text) => read(text)),
    questionNumbers: questionNumbers("8 nuts, 3 more, 5 less, 2 lost"),
    statedValues: new Map(),
  })?.map((step) => (step.kind === "equation" ? `${step.label} ${formatEquation(step)}` : step.kind));

const right = "sum: 8+3=11\nleft: 11-5=6\n#### 6";
const otherWay = "rest: 8-5=3\nsum: 3+3=6\n#### 6";
const idleStep = "sum: 8+3=11\nidle: 8-2=6\nleft: 11-5=6\n#### 6";

describe("rightSolution", () => {
  test("a reference with a false equation, an unknown number, another form or an uncopied answer is not used", () => {
    const bad = [
      "sum: 8+3=12\nleft: 12-5=6\n#### 6",
      "sum: 7-1=6\n#### 6",
      "six\n#### 6",
      "sum: 8+3=11\n#### 6",
      "",
    ];
    for (const reference of bad) expect(chosen([reference], right)).toBeUndefined();
    expect(chosen([...bad, right], right)).toEqual(["sum 8+3=11", "left 11-5=6", "answer"]);
  });

  test("the reference that others agree with wins, wrong solutions included", () => {
    expect(chosen([idleStep, right, right], idleStep)).toHaveLength(3);
    expect(chosen([otherWay, right], otherWay, ["sum: 8+3=11\nleft: 11-5=7\n#### 7"])?.[0]).toBe(
      "sum 8+3=11",
    );
  });

  test("without others, a right way that the solution follows wins over the first one", () => {
    expect(chosen([right, otherWay], "rest: 8-5=3\nsum: 3+3=7\n#### 7")?.[0]).toBe("rest 8-5=3");
    expect(chosen([right, otherWay], "#### 7")?.[0]).toBe("sum 8+3=11");
  });

  test("a step gets the label most solutions give it, its own on a tie", () => {
    const renamed = right.replace("sum:", "heap:");
    expect(chosen([renamed], right)?.[0]).toBe("heap 8+3=11");
    expect(chosen([renamed], right, [right])?.[0]).toBe("sum 8+3=11");
  });
});
