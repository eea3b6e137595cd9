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

/** Loads the two computations. */
export async function engineEnergies(worker: EngineWorker): Promise<EngineEnergies> {
  const ofRows = await worker.load(buildRowEnergy());
  const ofGroups = await worker.load(buildGroupEnergies());
  return {
    ofRows: async (rows, gram) => {
      const feeds = {
        rows: shared([rows.rows, rows.columns], rows.values),
        gram: shared([gram.rows, gram.columns], gram.values),
      };
      return Number((await ofRows.run(feeds))["energy"]!.data[0]);
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
