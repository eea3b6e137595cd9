import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkFinite } from "../../src/checkpoint/check-finite.ts";
import { expectedTensors } from "../../src/checkpoint/expected-tensors.ts";
import type { Bits, QuantizedMatrix } from "../../src/checkpoint/quantized-matrix.ts";
import { linearSites } from "../../src/models/linear-sites.ts";
import { openModel } from "../../src/models/open-model.ts";
import { writeOnnxModel } from "../../src/models/onnx-model/write-onnx-model.ts";
import { consume } from "../../src/util/consume.ts";
import { memoryCheckpoint, smallRawConfig } from "../memory-checkpoint.ts";
import { randomMatrix, randomParameters } from "../random-model.ts";
import { corruptBytes } from "./corrupt.ts";
import { corruptOnnx } from "./corrupt-onnx.ts";
import { corruptText, damageFile, outcomeOf, type Corrupt } from "./damage-file.ts";

const directory = mkdtempSync(join(tmpdir(), "bitmend-corrupt-onnx-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** Small, so that thousands of copies are read in seconds. */
const rawConfig = {
  ...smallRawConfig,
  hidden_size: 32,
  intermediate_size: 64,
  head_dim: 16,
  num_hidden_layers: 1,
};

beforeAll(async () => {
  const { config } = memoryCheckpoint({ rawConfig, parameters: new Map(), matrices: new Map() });
  const widths: readonly Bits[] = [2, 3, 4, 8, 5];
  const matrices = new Map<string, QuantizedMatrix>(
    linearSites(config).map((site, index) => {
      const activations = index === 5 ? ({ activations: "int8-per-token", groupSize: null } as const) : {};
      const grid = { bits: widths[index % 5]!, groupSize: 32, symmetric: index % 2 === 0, ...activations };
      return [site.name, randomMatrix(site, grid, index)];
    }),
  );
  const source = memoryCheckpoint({ rawConfig, parameters: randomParameters(config, 1), matrices });
  await consume(writeOnnxModel({ source, directory }), () => {});
});

function useAll(): void {
  const checkpoint = openModel(directory);
  checkFinite(checkpoint);
  for (const name of expectedTensors(checkpoint.config).keys()) {
    const weight = checkpoint.quantization?.get(name.replace(/\.weight$/u, ""))?.read();
    if (weight?.kind !== "quantized") checkpoint.readFloat32(name);
  }
}

const targets: readonly { file: string; corrupt: Corrupt; count: number; least: number }[] = [
  { file: "onnx/model.onnx", corrupt: corruptOnnx, count: 2000, least: 1000 },
  { file: "config.json", corrupt: corruptText, count: 300, least: 75 },
  // Codes and scales may be anything that their widths allow.
  { file: "onnx/model.onnx_data", corrupt: corruptBytes, count: 400, least: 40 },
];

describe("corrupted ONNX models are refused with a BitmendError, or used: no crash, no hang, no memory beyond their size", () => {
  it("uses the files as they are", () => {
    expect(outcomeOf({ directory, use: useAll })).toBe("fine");
  });

  it.each(targets)("$count times $file", ({ file, corrupt, count, least }) => {
    const { refused, unexpected } = damageFile(file, { directory, use: useAll, corrupt, count });
    expect(unexpected).toEqual([]);
    expect(refused).toBeGreaterThan(least);
  });
});
