import { array, assert, double, float, integer, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { randomStream, type RandomStream } from "../util/random.ts";
import { sampleToken, validateSampling, type SamplingOptions } from "./sampling.ts";

/** Logits whose softmax is 0.5, 0.25, 0.125, 0.125. */
const halves = Float32Array.of(Math.log(4), Math.log(2), 0, 0);

/** A stream that always draws `value`. */
function constantStream(value: number): RandomStream {
  return { ...randomStream(0), next: () => value };
}

/** The token for each of 64 evenly spread draws. */
function support(logits: Float32Array, options: SamplingOptions, seen: readonly number[] = []): number[] {
  return Array.from({ length: 64 }, (_, step) =>
    sampleToken(logits, options, { seen: new Set(seen), random: constantStream((step + 0.5) / 64) }),
  );
}

function greedy(logits: readonly number[], repetitionPenalty: number, seen: readonly number[]): number {
  return support(Float32Array.from(logits), { repetitionPenalty }, seen)[0]!;
}

function counts(tokens: readonly number[]): number[] {
  return [0, 1, 2, 3].map((tokenId) => tokens.filter((other) => other === tokenId).length);
}

describe("worked examples", () => {
  test("temperature 1 draws each token as often as its probability says", () => {
    expect(counts(support(halves, { temperature: 1 }))).toEqual([32, 16, 8, 8]);
  });

  test("temperature 1/2 squares the odds 4 : 2 : 1 : 1 to 16 : 4 : 1 : 1", () => {
    expect(counts(support(halves, { temperature: 0.5 }))).toEqual([47, 11, 3, 3]); // 64 · (16, 4, 1, 1) / 22 in whole draws
  });

  test("top-k 2 leaves odds 2 : 1", () => {
    expect(counts(support(halves, { temperature: 1, topK: 2 }))).toEqual([43, 21, 0, 0]);
  });

  test("top-p 0.7 needs the second token to reach its mass, 0.5 does not", () => {
    expect(counts(support(halves, { temperature: 1, topP: 0.7 }))).toEqual([43, 21, 0, 0]);
    expect(counts(support(halves, { temperature: 1, topP: 0.5 }))).toEqual([64, 0, 0, 0]);
  });

  test("top-p counts the mass that top-k leaves: 2/3 of it is the first token", () => {
    expect(counts(support(halves, { temperature: 1, topK: 2, topP: 0.66 }))).toEqual([64, 0, 0, 0]);
    expect(counts(support(halves, { temperature: 1, topK: 2, topP: 0.67 }))).toEqual([43, 21, 0, 0]);
  });

  test("min-p 0.49 keeps tokens at least that fraction as likely as the first", () => {
    expect(counts(support(halves, { temperature: 1, minP: 0.49 }))).toEqual([43, 21, 0, 0]);
    expect(counts(support(halves, { temperature: 1, minP: 0.51 }))).toEqual([64, 0, 0, 0]);
  });

  test("repetition penalty divides a positive logit and multiplies a negative one", () => {
    expect(greedy([3, 2], 1.4, [0])).toBe(0); // 3 / 1.4 = 2.14
    expect(greedy([3, 2], 1.6, [0])).toBe(1); // 3 / 1.6 = 1.88
    expect(greedy([-2, -3], 1.4, [0])).toBe(0); // -2.8
    expect(greedy([-2, -3], 1.6, [0])).toBe(1); // -3.2
  });

  test("greedy takes the lowest id among equals", () => {
    expect(support(Float32Array.of(1, 2, 2), {})[0]).toBe(1);
  });
});

describe("properties", () => {
  const logitsOf = array(float({ min: -30, max: 30, noNaN: true }), { minLength: 1, maxLength: 40 }).map(
    (values) => Float32Array.from(values),
  );
  const optionsOf = record({
    temperature: double({ min: 0.1, max: 3, noNaN: true }),
    topK: integer({ min: 0, max: 10 }),
    topP: double({ min: 0.01, max: 1, noNaN: true }),
    minP: double({ min: 0, max: 1, noNaN: true }),
  });
  const drawOf = double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  test("a truncation draws what the plain sort of all tokens would", () => {
    assert(
      property(logitsOf, optionsOf, drawOf, (logits, options, draw) => {
        const random = constantStream(draw);
        expect(sampleToken(logits, options, { seen: new Set(), random })).toBe(
          plainSample(logits, options, draw),
        );
      }),
    );
  });

  test("logits are left as they were", () => {
    assert(
      property(logitsOf, optionsOf, (logits, options) => {
        const before = logits.slice();
        sampleToken(
          logits,
          { ...options, repetitionPenalty: 1.3 },
          { seen: new Set([0]), random: randomStream(1) },
        );
        expect(logits).toEqual(before);
      }),
    );
  });
});

/** The definition, without short cuts. */
function plainSample(
  logits: Float32Array,
  options: Required<Omit<SamplingOptions, "repetitionPenalty">>,
  draw: number,
): number {
  const largest = Math.max(...logits);
  const weights = [...logits].map((logit, tokenId) => ({
    tokenId,
    weight: Math.exp((logit - largest) / options.temperature),
  }));
  const isTruncated = options.topK > 0 || options.topP < 1 || options.minP > 0;
  const sorted = isTruncated
    ? weights.toSorted((a, b) => b.weight - a.weight || a.tokenId - b.tokenId)
    : weights;
  const kept = options.topK === 0 ? sorted : sorted.slice(0, options.topK);
  const sum = (part: typeof kept): number => part.reduce((total, { weight }) => total + weight, 0);
  const mass = options.topP * sum(kept);
  const size = kept.findIndex((_, index) => sum(kept.slice(0, index + 1)) >= mass) + 1;
  const nucleus = options.topP === 1 || size === 0 ? kept : kept.slice(0, size);
  const likely = nucleus.filter(({ weight }) => weight >= options.minP);
  let rest = draw * sum(likely);
  return (likely.find(({ weight }) => (rest -= weight) < 0) ?? likely.at(-1)!).tokenId;
}

test("options out of range are refused, all at once", () => {
  expect(() => validateSampling({ temperature: -1, topK: 1.5, topP: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[BitmendError: generate(): expected sampling options in range, got temperature=-1 (0 or more), topK=1.5 (0 or a count), topP=0 (above 0, at most 1).]`,
  );
});
