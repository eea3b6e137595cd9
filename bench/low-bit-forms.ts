/**
 * @file What the forms of a low-bit product cost, one thread, forms interleaved, fastest of the rounds: why 8 bits run as two 4-bit planes.
 *
 *     node bench/low-bit-forms.ts
 */
import { cpus, loadavg } from "node:os";
import { dequantize } from "../src/checkpoint/dequantize.ts";
import type { Bits, QuantizedMatrix } from "../src/checkpoint/quantized-matrix.ts";
import { EngineWorker, sharedTensor, type EngineSession } from "../src/engine/index.ts";
import { Graph } from "../src/graph/graph.ts";
import { gemm } from "../src/graph/operations.ts";
import type { Tensor } from "../src/graph/tensor.ts";
import { nBitProduct } from "../src/models/linears/n-bit.ts";
import { randomStream } from "../src/util/random.ts";

const [rows, columns, groupSize] = [3072, 1024, 64];
const groups = (rows * columns) / groupSize;
const rounds = 15;

const forms: Readonly<Record<string, (input: Tensor) => Tensor>> = {
  "4 bits": (input) => nBitProduct(input, randomMatrix(4)),
  "4 bits, int8 activations": (input) => nBitProduct(input, randomMatrix(4), { accuracyLevel: 4 }),
  "8 bits as two planes": (input) => nBitProduct(input, randomMatrix(8)),
  "8 bits, rounded activations, integers": (input) => nBitProduct(input, wholeRows()),
  "8 bits, the engine's kernel": (input) => engineProduct(input, randomMatrix(8)),
  float32: (input) => {
    const weight = input.graph.constant("f32", [rows, columns], dequantize(randomMatrix(8)));
    return gemm(input, weight, { transposeB: true });
  },
};

await using worker = await EngineWorker.start({ threads: 1, spinning: false });
const sessions = new Map<string, EngineSession>();
for (const [name, form] of Object.entries(forms)) {
  const graph = new Graph();
  const output = form(graph.input("input", "f32", ["tokens", columns]));
  // oxlint-disable-next-line eslint/no-await-in-loop -- one session after the other
  sessions.set(name, await worker.load(graph.build({ output }), { zeroCopyOutputs: true }));
}
const table: Record<string, Record<string, string>> = {};
for (const tokens of [1, 2, 16, 64]) {
  const feeds = { input: sharedTensor("f32", [tokens, columns]) };
  const fetches = { output: sharedTensor("f32", [tokens, rows]) };
  const fastest = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, session] of sessions) {
      const started = performance.now();
      // oxlint-disable-next-line eslint/no-await-in-loop -- timed one at a time
      await session.run(feeds, fetches);
      fastest.set(name, Math.min(fastest.get(name) ?? Number.POSITIVE_INFINITY, performance.now() - started));
    }
  }
  table[`${tokens} tokens, ms`] = Object.fromEntries([...fastest].map(([name, ms]) => [name, ms.toFixed(2)]));
}
console.table(table);
const load = loadavg().map((average) => average.toFixed(1));
console.log(
  `[tokens, ${columns}] x [${columns}, ${rows}], group ${groupSize}; ${cpus()[0]?.model}; load ${load.join(" ")}`,
);

function randomMatrix(bits: Bits): QuantizedMatrix {
  const random = randomStream(bits);
  return {
    bits,
    rows,
    columns,
    groupSize,
    symmetric: true,
    codes: Uint8Array.from({ length: rows * columns }, () => random.integer(2 ** bits)),
    scales: new Float32Array(groups).fill(2 ** -7),
    zeroPoints: new Uint8Array(groups).fill(2 ** (bits - 1)),
  };
}

/** W8A8: one group a row, rounded input. */
function wholeRows(): QuantizedMatrix {
  return {
    ...randomMatrix(8),
    groupSize: columns,
    scales: new Float32Array(rows).fill(2 ** -7),
    zeroPoints: new Uint8Array(rows).fill(128),
    activations: "int8-per-token",
  };
}

/** `MatMulNBits` with 8-bit codes in float32, which has no fast kernel. */
function engineProduct(input: Tensor, matrix: QuantizedMatrix): Tensor {
  const { graph } = input;
  const operands = [
    graph.constant("u8", [rows, columns / groupSize, groupSize], matrix.codes),
    graph.constant("f32", [groups], matrix.scales),
    graph.constant("u8", [groups], matrix.zeroPoints),
  ];
  const integers = { K: columns, N: rows, bits: 8, block_size: groupSize, accuracy_level: 0 };
  const attributes = Object.fromEntries(
    Object.entries(integers).map(([name, integer]) => [name, { integer }]),
  );
  const type = { dataType: "f32", shape: [input.shape[0]!, rows] } as const;
  return graph.emitOne("MatMulNBits", [input, ...operands], type, { domain: "com.microsoft", attributes });
}
