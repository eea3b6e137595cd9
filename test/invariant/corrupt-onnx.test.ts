import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
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
import { BitmendError } from "../../src/util/errors.ts";
import { randomStream, type RandomStream } from "../../src/util/random.ts";
import { memoryCheckpoint, smallRawConfig } from "../memory-checkpoint.ts";
import { randomMatrix, randomParameters } from "../random-model.ts";
import { corruptBytes, corruptJson } from "./corrupt.ts";
import { corruptOnnx } from "./corrupt-onnx.ts";

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

/** "fine", "refused", or what went wrong. */
function outcome(): string {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const fileBytes = files.reduce(
    (sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size,
    0,
  );
  const before = process.memoryUsage().arrayBuffers;
  const started = performance.now();
  let result = "fine";
  try {
    useAll();
  } catch (error) {
    result = error instanceof BitmendError ? "refused" : `not a BitmendError: ${String(error)}`;
  }
  const allocated = process.memoryUsage().arrayBuffers - before;
  if (allocated > 10 * fileBytes) return `${result}, but ${allocated} bytes allocated for ${fileBytes}`;
  const milliseconds = performance.now() - started;
  return milliseconds > 2000 ? `${result}, but after ${milliseconds} ms` : result;
}

type Corrupt = (content: Uint8Array, random: RandomStream) => Uint8Array;

const corruptText: Corrupt = (content, random) =>
  random.next() < 0.5
    ? corruptBytes(content, random)
    : new TextEncoder().encode(corruptJson(new TextDecoder().decode(content), random));

const targets: readonly { file: string; corrupt: Corrupt; count: number; least: number }[] = [
  { file: "onnx/model.onnx", corrupt: corruptOnnx, count: 2000, least: 1000 },
  { file: "config.json", corrupt: corruptText, count: 300, least: 75 },
  // Codes and scales may be anything that their widths allow.
  { file: "onnx/model.onnx_data", corrupt: corruptBytes, count: 400, least: 40 },
];

describe("corrupted ONNX models are refused with a BitmendError, or used: no crash, no hang, no memory beyond their size", () => {
  it("uses the files as they are", () => {
    expect(outcome()).toBe("fine");
  });

  it.each(targets)("$count times $file", ({ file, corrupt, count, least }) => {
    const path = join(directory, file);
    const original = new Uint8Array(readFileSync(path));
    const unexpected: string[] = [];
    let refused = 0;
    for (let number = 0; number < count; number++) {
      writeFileSync(path, corrupt(original, randomStream("corrupt onnx", file, number)));
      const result = outcome();
      if (result === "refused") refused += 1;
      else if (result !== "fine") unexpected.push(`${number}: ${result}`);
    }
    writeFileSync(path, original);
    expect(unexpected).toEqual([]);
    expect(refused).toBeGreaterThan(least);
  });
});
