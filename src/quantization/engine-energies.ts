/**
 * @file Errors of a linear's output as the engine computes them, in float32, from differences of weights and the Gram matrix of the inputs.
 */
import type { EngineWorker } from "../engine/index.ts";
import { Graph } from "../graph/graph.ts";
import { batchedMatmul, gemm, multiply, reduceSum, transpose } from "../graph/operations.ts";
import { sharedFloats } from "./layer-parameters.ts";
import type { Matrix } from "./matrix.ts";
import type { GroupEnergies } from "./output-clip.ts";

/** What the engine computes of errors. */
export interface EngineEnergies {
  /** tr(D·G·Dᵀ) of `rows` D [rows, in] for the Gram matrix `gram` G [in, in]. */
  readonly ofRows: (rows: Matrix, gram: Matrix) => Promise<number>;
  readonly ofGroups: GroupEnergies;
}

/** Elements of a product held at once. */
const elementsAtOnce = 2 ** 22;

/** Loads the two computations. */
export async function engineEnergies(worker: EngineWorker): Promise<EngineEnergies> {
  const ofRows = await worker.load(buildRowEnergy());
  const ofGroups = await worker.load(buildGroupEnergies());
  return {
    ofRows: async ({ rows, columns, values }, gram) => {
      const rowsAtOnce = Math.max(1, Math.floor(elementsAtOnce / columns));
      const grams = shared([gram.rows, gram.columns], gram.values);
      let energy = 0;
      for (let first = 0; first < rows; first += rowsAtOnce) {
        const count = Math.min(rowsAtOnce, rows - first);
        const part = values.subarray(first * columns, (first + count) * columns);
        // oxlint-disable-next-line eslint/no-await-in-loop -- one engine, one run at a time; bounds memory
        const result = await ofRows.run({ rows: shared([count, columns], part), gram: grams });
        energy += Number(result["energy"]!.data[0]);
      }
      return energy;
    },
    ofGroups: async (differences, blocks, { rows, groups, groupSize }) => {
      const feeds = {
        differences: shared([rows, groups, groupSize], differences),
        blocks: shared([groups, groupSize, groupSize], blocks),
      };
      const energies = sharedFloats([rows, groups]);
      await ofGroups.run(feeds, { energies });
      return energies.data;
    },
  };
}

type Shared = ReturnType<typeof sharedFloats>;

/** A tensor over `values`, copied unless they lie in shared memory already. */
function shared(shape: readonly number[], values: Float32Array): Shared {
  if (!(values.buffer instanceof SharedArrayBuffer)) return sharedFloats(shape, values);
  return { dataType: "f32", shape, data: values };
}

function buildRowEnergy(): Uint8Array {
  const graph = new Graph();
  const rows = graph.input("rows", "f32", ["rows", "in"]);
  const gram = graph.input("gram", "f32", ["in", "in"]);
  return graph.build({
    energy: reduceSum(multiply(gemm(rows, gram), rows), { axes: [0, 1], keepDims: false }),
  });
}

function buildGroupEnergies(): Uint8Array {
  const graph = new Graph();
  const differences = graph.input("differences", "f32", ["rows", "groups", "groupSize"]);
  const blocks = graph.input("blocks", "f32", ["groups", "groupSize", "groupSize"]);
  const byGroup = transpose(differences, [1, 0, 2]);
  const energies = reduceSum(multiply(batchedMatmul(byGroup, blocks), byGroup), {
    axes: [2],
    keepDims: false,
  });
  return graph.build({ energies: transpose(energies, [1, 0]) });
}
