import { describe, expect, test } from "vitest";
import {
  add,
  batchedMatmul,
  causalAttention,
  concat,
  crossEntropy,
  customGradient,
  exp,
  expand,
  gather,
  gatherElements,
  gemm,
  Graph,
  gradients,
  multiply,
  product,
  reduceMean,
  reduceSum,
  reshape,
  rmsNorm,
  rotary,
  slice,
  split,
  stopGradient,
  swiGlu,
  transpose,
  type Tensor,
} from "./index.ts";

const matrix = (graph: Graph, name: string, shape: readonly (number | string)[]): Tensor =>
  graph.input(name, "f32", shape, { requiresGradient: true });

describe("product", () => {
  test("worked examples: equal sizes have one name", () => {
    expect(product([2, 3])).toBe(6);
    expect(product(["tokens", 2, "batch"])).toBe("2*batch*tokens");
    expect(product([product(["tokens", 2]), product(["batch", 3])])).toBe("6*batch*tokens");
    expect(product(["tokens", 0])).toBe(0);
    expect(product([])).toBe(1);
  });
});

describe("shape inference", () => {
  const graph = new Graph();
  const x = matrix(graph, "x", ["batch", "tokens", 8]);

  test("symbols pass through broadcasting, reshaping and products", () => {
    expect(add(x, graph.scalar(1)).shape).toEqual(["batch", "tokens", 8]);
    const rows = reshape(x, [product(["batch", "tokens"]), 8]);
    expect(rows.shape).toEqual(["batch*tokens", 8]);
    expect(
      gemm(rows, graph.constant("f32", [3, 8], new Float32Array(24)), { transposeB: true }).shape,
    ).toEqual(["batch*tokens", 3]);
    expect(transpose(reshape(x, ["batch", "tokens", 2, 4]), [0, 2, 1, 3]).shape).toEqual([
      "batch",
      2,
      "tokens",
      4,
    ]);
    expect(reduceMean(x, { axes: [1] }).shape).toEqual(["batch", 8]);
  });

  test("the last elements of a symbolic axis have a known size", () => {
    expect(slice(x, { axis: 1, start: -1 }).shape).toEqual(["batch", 1, 8]);
    expect(slice(x, { axis: 2, start: 2, end: -2 }).shape).toEqual(["batch", "tokens", 4]);
  });

  test("a joined symbolic axis takes a new name", () => {
    expect(concat([x, x], 1, { size: "both" }).shape).toEqual(["batch", "both", 8]);
  });
});

describe("operands that do not fit are refused by name and shape", () => {
  const graph = new Graph();
  const a = matrix(graph, "a", [2, 3]);
  const b = matrix(graph, "b", [4, 5]);
  const indices = graph.input("indices", "i64", [2]);
  const heads = matrix(graph, "heads", [1, 3, 2, 4]);

  test.each<readonly [string, () => unknown, string]>([
    ["add", () => add(a, b), "Add(): expected shapes that broadcast, got [2, 3] and [4, 5]."],
    ["types", () => add(a, indices), "Add(): expected operands of one type, got f32, i64."],
    ["gemm", () => gemm(a, b), "gemm(): expected matrices whose inner sizes agree, got [2, 3] and [4, 5]."],
    [
      "batchedMatmul",
      () => batchedMatmul(heads, reshape(heads, [3, 1, 2, 4]), { transposeB: true }),
      "batchedMatmul(): expected matrices whose inner sizes agree, got [1, 3, 2, 4] and [3, 1, 2, 4] transposed.",
    ],
    ["bias", () => gemm(a, a, { transposeB: true, bias: a }), "gemm(): expected a bias of [2], got [2, 3]."],
    ["reshape", () => reshape(a, [4]), "reshape(): expected a shape of 6 elements, got [4]."],
    ["expand", () => expand(a, [3]), "expand(): expected a shape that [2, 3] broadcasts to, got [3]."],
    ["transpose", () => transpose(a, [0, 0]), "transpose(): expected a permutation of [0, 1], got [0, 0]."],
    [
      "slice",
      () => slice(a, { axis: 1, start: 4 }),
      "slice(): expected bounds inside an axis of size 3, got 4 to the end.",
    ],
    ["axis", () => reduceSum(a, { axes: [2] }), "reduce(): expected an axis of [2, 3], got 2."],
    [
      "split",
      () => split(a, { axis: 1, sizes: [1, 1] }),
      "split(): expected sizes that add up to 3, got [1, 1].",
    ],
    [
      "concat",
      () => concat([a, b], 0),
      "concat(): expected shapes equal but for axis 0, got [2, 3] and [4, 5].",
    ],
    ["gather", () => gather(graph.scalar(1), indices), "gather(): expected a table with axes, got a scalar."],
    [
      "gatherElements",
      () => gatherElements(a, indices),
      "gatherElements(): expected shapes equal but for the last axis, got [2, 3] and [2].",
    ],
    [
      "rmsNorm",
      () => rmsNorm(a, reshape(a, [6]), { epsilon: 1e-6 }),
      "rmsNorm(): expected a weight of [3], got [6].",
    ],
    [
      "rotary",
      () => rotary(a, { positions: indices, cos: a, sin: a }),
      "rotary(): expected [batch, heads, tokens, 6] or [batch, tokens, heads · 6], got [2, 3].",
    ],
    [
      "causalAttention",
      () => causalAttention({ query: heads, key: reshape(heads, [1, 2, 3, 4]), value: heads, scale: 1 }),
      "causalAttention(): expected [batch, heads, tokens, width] and fewer heads of keys and values, got [1, 3, 2, 4], [1, 2, 3, 4], [1, 3, 2, 4].",
    ],
    ["swiGlu", () => swiGlu(a, b), "swiGlu(): expected equal shapes, got [2, 3] and [4, 5]."],
    [
      "crossEntropy",
      () => crossEntropy({ logits: a, targets: indices, weights: a }),
      "crossEntropy(): expected logits [rows, classes], targets [rows] and weights [rows], got [2, 3], [2], [2, 3].",
    ],
    [
      "constant",
      () => graph.constant("f32", [2], [1]),
      "Graph.constant(): expected 2 values for [2], got 1.",
    ],
    [
      "external",
      () => graph.external("w", "bf16", [2, 2], { file: "w", offset: 0, length: 7 }),
      "Graph.external(): expected 8 bytes for w [2, 2], got 7.",
    ],
    [
      "external file",
      () => graph.external("w", "u8", [1], { file: "../w", offset: 0, length: 1 }),
      'Graph.external(): expected a file name and an offset for w, got {"file":"../w","offset":0,"length":1}.',
    ],
    ["name", () => matrix(graph, "a", [1]), 'Graph: expected a new name for an input or weight, got "a".'],
    [
      "output name",
      () => graph.build({ b: exp(a) }),
      'Graph.build(): output "b" has the name of an input or weight.',
    ],
    [
      "graph",
      () => add(a, matrix(new Graph(), "other", [2, 3])),
      "Add: expected tensors of one graph, got another graph's.",
    ],
    ["dimension", () => graph.dimension("nowhere"), 'Graph.dimension(): no input has a dimension "nowhere".'],
  ])("%s", (_, build, message) => {
    expect(build).toThrow(message);
  });
});

describe("gradients", () => {
  test("the loss must be a scalar that depends on everything asked for", () => {
    const graph = new Graph();
    const used = matrix(graph, "used", [2]);
    const unused = matrix(graph, "unused", [2]);
    const fixed = graph.input("fixed", "f32", [2]);
    expect(() => gradients(used, [used])).toThrow("expected a scalar loss");
    const loss = reduceSum(multiply(used, fixed));
    expect(() => gradients(loss, [used, unused, fixed])).toThrow(
      "the loss does not depend on unused, fixed.",
    );
    expect(() => gradients(reduceSum(stopGradient(used)), [used])).toThrow(
      "the loss does not depend on used.",
    );
  });

  test("a hand-written gradient of the wrong shape is refused", () => {
    const graph = new Graph();
    const x = matrix(graph, "x", [2]);
    const y = customGradient({
      inputs: [x],
      compute: () => exp(x),
      backward: (gradient) => [reduceSum(gradient)],
    });
    expect(() => gradients(reduceSum(y), [x])).toThrow("gradients(): expected [2] for x, got [].");
  });

  test("the model holds only what the outputs need", () => {
    const graph = new Graph();
    const [x, y] = [matrix(graph, "x", [2]), matrix(graph, "y", [2])];
    const big = graph.constant("f32", [1000], new Float32Array(1000));
    const loss = reduceSum(multiply(multiply(x, y), 1));
    reduceSum(big);
    const [gradient] = gradients(loss, [x]);
    const model = graph.build({ gradient: gradient! });
    expect(model.length).toBeLessThan(1000);
    expect(Buffer.from(model).includes("ReduceSum")).toBe(false);
  });
});
