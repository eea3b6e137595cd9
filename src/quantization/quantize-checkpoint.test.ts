import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../checkpoint/checkpoint.ts";
import { readSafetensorsHeader } from "../checkpoint/safetensors.ts";
import { consume } from "../util/consume.ts";
import { quantizeCheckpoint, type QuantizationEvent } from "./quantize-checkpoint.ts";
import { quantizeRtn } from "./rtn.ts";
import { quantizationRecipeSchema } from "./recipe.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-quantize-"));
afterAll(() => rmSync(work, { recursive: true }));
const tiny = join(import.meta.dirname, "../../test/golden/tiny/qwen3");
const source = openCheckpoint(tiny);
const rtn = quantizationRecipeSchema.parse({ method: "rtn", bits: 3, groupSize: 8 });
const contents = (directory: string): Map<string, string> =>
  new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "hex")]));
const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe("quantizeCheckpoint without calibration", () => {
  test("writes RTN's codes, leaves the rest as it was, and reports every linear", async () => {
    const directory = join(work, "rtn");
    const events: QuantizationEvent[] = [];
    const summary = await consume(quantizeCheckpoint(source, rtn, { directory }), (event) =>
      events.push(event),
    );
    const quantized = openCheckpoint(directory);
    expect(quantized.quantization?.size).toBe(14);
    const name = "model.layers.1.mlp.down_proj";
    const weight = { rows: 32, columns: 40, values: source.readFloat32(`${name}.weight`) };
    expect(quantized.readQuantized(name)).toEqual(quantizeRtn(weight, rtn));
    for (const kept of ["model.embed_tokens.weight", "model.layers.0.self_attn.q_norm.weight"]) {
      expect(quantized.readFloat32(kept)).toEqual(source.readFloat32(kept));
    }
    expect(summary.modules.map(({ module }) => module).slice(0, 2)).toEqual([
      "model.layers.0.self_attn.q_proj",
      "model.layers.0.self_attn.k_proj",
    ]);
    expect(
      summary.modules.every(({ weightError, outputError }) => weightError > 0 && outputError === null),
    ).toBe(true);
    expect(events.filter(({ type }) => type === "module")).toHaveLength(14);
    const { estimated, actual } = summary.cost;
    expect(events[0]).toEqual({ type: "estimate", estimate: estimated });
    // Headers, index, record and config.json, which are not counted, weigh more in so small a model than its weights.
    const weightFiles = readdirSync(directory).filter((file) => file.endsWith(".safetensors"));
    const weightBytes = weightFiles.reduce((sum, file) => {
      const { dataOffset } = readSafetensorsHeader(join(directory, file));
      return sum + statSync(join(directory, file)).size - dataOffset;
    }, 0);
    expect(weightBytes / estimated.diskBytes).toBeCloseTo(1, 1);
    expect(actual.diskBytes).toBeGreaterThan(weightBytes);
    expect(events.at(-2)).toMatchObject({ type: "progress", done: 14, modules: 14, secondsLeft: 0 });
    expect(events.at(-1)).toEqual({ type: "layer-done", layer: 1, layers: 2 });
  });

  test("on a finished directory it changes nothing and returns the same", async () => {
    const directory = join(work, "twice");
    const first = await consume(quantizeCheckpoint(source, rtn, { directory }));
    const before = contents(directory);
    const events: QuantizationEvent[] = [];
    const { modules } = await consume(quantizeCheckpoint(source, rtn, { directory }), (event) =>
      events.push(event),
    );
    expect(modules).toEqual(first.modules);
    expect(events.slice(1)).toEqual([{ type: "start", modules: 14, alreadyDone: 14 }]);
    expect(contents(directory)).toEqual(before);
  });

  test("stopped by its signal it goes on later and ends with the same bytes", async () => {
    const whole = join(work, "whole");
    await consume(quantizeCheckpoint(source, rtn, { directory: whole }));
    const directory = join(work, "stopped");
    const controller = new AbortController();
    const stopped = consume(
      quantizeCheckpoint(source, rtn, { directory, signal: controller.signal }),
      (event) => {
        if (event.type === "progress" && event.done === 9) controller.abort();
      },
    );
    await expect(stopped).rejects.toMatchObject({ name: "AbortError" });
    expect(() => openCheckpoint(directory)).toThrow(code("files/not-found"));
    const events: QuantizationEvent[] = [];
    await consume(quantizeCheckpoint(source, rtn, { directory }), (event) => events.push(event));
    expect(events[1]).toEqual({ type: "start", modules: 14, alreadyDone: 7 });
    expect(contents(directory)).toEqual(contents(whole));
  });

  test("refuses the source, a directory inside it, one of other settings and one with something else in it", async () => {
    const copy = join(work, "copy");
    cpSync(tiny, copy, { recursive: true });
    const own = openCheckpoint(copy);
    for (const directory of [copy, join(copy, "inside")]) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- one after the other
      await expect(consume(quantizeCheckpoint(own, rtn, { directory }))).rejects.toThrow(
        code("quantization/output-is-source"),
      );
    }
    expect(contents(copy)).toEqual(contents(tiny));
    const directory = join(work, "begun");
    await consume(quantizeCheckpoint(source, rtn, { directory }));
    const before = contents(directory);
    const four = { ...rtn, bits: 4 as const };
    await expect(consume(quantizeCheckpoint(source, four, { directory }))).rejects.toThrow(
      code("quantization/other-settings"),
    );
    expect(contents(directory)).toEqual(before);
    const other = join(work, "other");
    mkdirSync(other);
    writeFileSync(join(other, "thesis.txt"), "mine");
    await expect(consume(quantizeCheckpoint(source, rtn, { directory: other }))).rejects.toThrow(
      code("quantization/directory-not-empty"),
    );
    writeFileSync(join(other, "quantization.json"), "{}");
    await expect(consume(quantizeCheckpoint(source, rtn, { directory: other }))).rejects.toThrow(
      code("quantization/bad-record"),
    );
  });

  test("leaves nothing behind where nothing may be written, or the options are wrong", async () => {
    const locked = join(work, "locked");
    writeFileSync(locked, "a file");
    await expect(
      consume(quantizeCheckpoint(source, rtn, { directory: join(locked, "below") })),
    ).rejects.toThrow(code("files/not-found"));
    const readOnly = join(work, "read-only");
    mkdirSync(readOnly);
    chmodSync(readOnly, 0o555);
    if (process.getuid?.() !== 0) {
      await expect(
        consume(quantizeCheckpoint(source, rtn, { directory: join(readOnly, "below") })),
      ).rejects.toThrow(code("files/no-permission"));
    }
    const directory = join(work, "uneven");
    const uneven = { ...rtn, groupSize: 16 };
    await expect(consume(quantizeCheckpoint(source, uneven, { directory }))).rejects.toThrow(
      code("quantization/bad-options"),
    );
    expect(readdirSync(work)).not.toContain("uneven");
  });
});
