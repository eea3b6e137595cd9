import { describe, expect, test } from "vitest";
import { randomStream } from "../../src/util/random.ts";
import { gptqOptionsSchema } from "../../src/quantization/gptq-options.ts";
import { quantizeWithFactor } from "../../src/quantization/gptq.ts";
import { gridOptionsSchema } from "../../src/quantization/grid-options.ts";
import { factorHessian } from "../../src/quantization/hessian-factor.ts";
import { relativeError, squaredSums } from "../../src/quantization/layer-error.ts";
import type { Matrix } from "../../src/quantization/matrix.ts";
import { RoundingPool } from "../../src/quantization/rounding-pool.ts";
import { quantizeRtn } from "../../src/quantization/rtn.ts";

function randomMatrix(rows: number, columns: number): Matrix {
  const random = randomStream(1, "pool", rows, columns);
  return { rows, columns, values: Float32Array.from({ length: rows * columns }, () => random.normal()) };
}

/** XᵀX of 3 · columns random tokens. */
function gramMatrix(columns: number): Matrix {
  const { rows, values } = randomMatrix(3 * columns, columns);
  const gram = new Float32Array(columns * columns);
  for (let token = 0; token < rows; token++) {
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < columns; j++) {
        gram[i * columns + j]! += values[token * columns + i]! * values[token * columns + j]!;
      }
    }
  }
  return { rows: columns, columns, values: gram };
}

describe("RoundingPool", () => {
  const grid = gridOptionsSchema.parse({ bits: 3, groupSize: 16 });

  // 4,100 rows are 17 slices, the last one short; 40 rows are rounded in this thread.
  test.each([
    [1, 4100],
    [2, 4100],
    [1, 40],
  ])("with %i threads it rounds %i rows as one call in this thread does", async (threads, rows) => {
    const weight = randomMatrix(rows, 32);
    await using pool = new RoundingPool(threads);
    const settings = gptqOptionsSchema.parse(grid);
    const hessian = await factorHessian(gramMatrix(32), settings);
    const nearest = await pool.round(weight, { grid, grids: null, gptq: null });
    const gptq = await pool.round(weight, { grid, grids: null, gptq: { hessian, settings } });
    expect(nearest.matrix).toEqual(quantizeRtn(weight, grid));
    expect(gptq.matrix).toEqual(await quantizeWithFactor(weight, hessian, settings));
    expect(nearest.weightError).toBeCloseTo(relativeError([squaredSums(weight, nearest.matrix)]), 12);
  });

  test("an error keeps its code", async () => {
    await using pool = new RoundingPool(1);
    const values = new Float32Array(2 ** 17).fill(1e30);
    await expect(
      pool.round({ rows: 4096, columns: 32, values }, { grid, grids: null, gptq: null }),
    ).rejects.toMatchObject({ code: "quantization/unrepresentable" });
  });
});
