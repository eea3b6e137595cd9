import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { EngineWorker } from "../../src/engine/index.ts";
import { Graph } from "../../src/graph/graph.ts";
import { roundActivations } from "../../src/models/linears/int8-activations.ts";
import { nBitProduct } from "../../src/models/linears/n-bit.ts";

const numbers = z.array(z.number());
const golden = z
  .object({
    tokens: z.int(),
    columns: z.int(),
    rows: z.int(),
    inputs: numbers,
    scales: numbers,
    codes: numbers,
    weightCodes: numbers,
    weightScales: numbers,
    outputs: numbers,
  })
  .parse(JSON.parse(readFileSync(join(import.meta.dirname, "int8-activations.json"), "utf8")));

it.each(["all", "disabled"] as const)(
  "activations are rounded as the compressed-tensors library rounds them, optimization %s",
  async (optimization) => {
    const { tokens, columns, rows, weightCodes } = golden;
    const graph = new Graph();
    const input = graph.input("input", "f32", [tokens, columns]);
    const { codes, scales } = roundActivations(input);
    const output = nBitProduct(input, {
      bits: 8,
      rows,
      columns,
      groupSize: columns,
      symmetric: true,
      codes: Uint8Array.from(weightCodes, (code) => code + 128),
      scales: Float32Array.from(golden.weightScales),
      zeroPoints: new Uint8Array(rows).fill(128),
      activations: "int8-per-token",
    });
    await using worker = await EngineWorker.start({ threads: 1 });
    const session = await worker.load(graph.build({ codes, scales, output }), { optimization });
    const results = await session.run({
      input: { dataType: "f32", shape: [tokens, columns], data: Float32Array.from(golden.inputs) },
    });
    expect(Array.from(results["scales"]!.data, Number)).toEqual(golden.scales);
    // Adding 0 makes one zero of the two.
    const codesOf = Array.from(results["codes"]!.data, Number);
    expect(codesOf.map((code) => code + 0)).toEqual(golden.codes.map((code) => code + 0));
    expect(Array.from(results["output"]!.data, Number)).toBeAllClose(golden.outputs, {
      relative: 1e-6,
      absolute: 1e-30,
    });
  },
);
