import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { quantizeGptq } from "../../src/quantization/gptq.ts";
import { gptqOptionsSchema } from "../../src/quantization/gptq-options.ts";
import { outputError, relativeError, squaredSums } from "../../src/quantization/layer-error.ts";
import type { Matrix } from "../../src/quantization/matrix.ts";

interface Golden {
  readonly source: string;
  readonly matrices: Record<string, { rows: number; columns: number; weight: string; gram: string }>;
  readonly cases: readonly {
    matrix: string;
    options: Record<string, unknown>;
    codes: string;
    scales: string;
    zeroPoints: string;
    outputError: number;
    weightError: number;
  }[];
}

const golden = JSON.parse(readFileSync(new URL("gptq.json", import.meta.url), "utf8")) as Golden;
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64"));
const floats = (text: string): Float32Array => new Float32Array(bytes(text).buffer);

describe(`quantizeGptq matches ${golden.source}`, () => {
  test.each(golden.cases)("$matrix $options", async (expected) => {
    const stored = golden.matrices[expected.matrix]!;
    const { rows, columns } = stored;
    const weight: Matrix = { rows, columns, values: floats(stored.weight) };
    const gram: Matrix = { rows: columns, columns, values: floats(stored.gram) };
    const quantized = await quantizeGptq(weight, gram, gptqOptionsSchema.parse(expected.options));
    // float64 on both sides: a code could differ only at a tie closer than 1e-10, and none is.
    expect(quantized.codes).toEqual(bytes(expected.codes));
    expect(quantized.scales).toEqual(floats(expected.scales));
    expect(quantized.zeroPoints).toEqual(bytes(expected.zeroPoints));
    expect(outputError(weight, quantized, gram)).toBeCloseTo(expected.outputError, 7);
    expect(relativeError([squaredSums(weight, quantized)])).toBeCloseTo(expected.weightError, 7);
  });
});
