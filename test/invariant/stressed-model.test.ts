import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";
import { checkpointSource } from "../../src/models/model-source.ts";
import { writeStressedModel } from "../../src/quantization/stress-model.ts";
import { fullSequenceLogits } from "../full-sequence-logits.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-stressed-"));
afterAll(() => rmSync(work, { recursive: true }));
const tiny = join(import.meta.dirname, "../golden/tiny");
const models = [
  ...readdirSync(tiny).map((name) => join(tiny, name)),
  join(import.meta.dirname, "../../models/pocket"),
];

test.each(models)("outlier channels leave every logit of %s as it was, bit for bit", async (model) => {
  const source = openCheckpoint(model);
  const directory = join(work, model.split("/").at(-1)!);
  writeStressedModel(source, { directory, fraction: 0.25, maxExponent: 4, seed: 7 });
  const stressed = openCheckpoint(directory);
  const up = "model.layers.0.mlp.up_proj.weight";
  expect(stressed.tensors.get(up)!.dataType).toBe(source.tensors.get(up)!.dataType);
  expect(stressed.readFloat32(up)).not.toEqual(source.readFloat32(up));
  const tokenIds = Array.from({ length: 60 }, (_, i) => (i * i * 7 + i) % source.config.vocabularySize);
  const [before, after] = await Promise.all(
    [source, stressed].map((checkpoint) => fullSequenceLogits(checkpointSource(checkpoint), tokenIds)),
  );
  expect(Math.max(...before!.map((value, index) => Math.abs(value - after![index]!)))).toBe(0);
});
