import { expect, test } from "vitest";
import { pocketDrills } from "./pocket-drills.ts";
import { pocketEncoder } from "./pocket-encoder.ts";

test("every fact is right and the loss counts exactly the results and line ends", () => {
  const encoder = pocketEncoder();
  for (const { text, lossWeights } of pocketDrills({ seed: 1, count: 300 })) {
    expect(encoder.encode(text)).toHaveLength(lossWeights.length);
    const counted = text
      .split("")
      .filter((_, index) => lossWeights[index] === 1)
      .join("");
    const results: string[] = [];
    for (const line of text.trimEnd().split("\n")) {
      const fact = /^(?<left>\d+)(?<operator>[-+*/])(?<right>\d+)=(?<result>\d+)$/u.exec(line)?.groups;
      const [left, right, result] = [Number(fact?.["left"]), Number(fact?.["right"]), fact?.["result"]];
      const values = new Map([
        ["+", left + right],
        ["-", left - right],
        ["*", left * right],
        ["/", left / right],
      ]);
      expect(values.get(fact?.["operator"] ?? "")).toBe(Number(result));
      results.push(`${result}\n`);
    }
    expect(counted).toBe(results.join(""));
  }
});

test("equal seeds give equal drills, other seeds others", () => {
  expect(pocketDrills({ seed: 1, count: 5 })).toEqual(pocketDrills({ seed: 1, count: 8 }).slice(0, 5));
  expect(pocketDrills({ seed: 1, count: 5 })).not.toEqual(pocketDrills({ seed: 2, count: 5 }));
});
