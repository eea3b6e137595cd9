import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkFinite } from "../../src/checkpoint/check-finite.ts";
import { openCheckpoint } from "../../src/checkpoint/checkpoint.ts";

const tiny = join(import.meta.dirname, "tiny");

describe.each(readdirSync(tiny))("the directory transformers wrote for %s", (name) => {
  const checkpoint = openCheckpoint(join(tiny, name));

  it("has every tensor the configuration implies, and no other", () => {
    expect(checkpoint.unexpectedTensors).toEqual([]);
    expect(checkpoint.quantization).toBeNull();
    expect(checkpoint.config).toMatchSnapshot();
    expect(() => checkFinite(checkpoint)).not.toThrow();
  });

  it("reads weights as bfloat16 rounded them: 8 bits of significand", () => {
    const values = checkpoint.readFloat32("model.embed_tokens.weight");
    expect(values.length).toBe(48 * 32);
    const significands = values.map((value) => (value / 2 ** Math.floor(Math.log2(Math.abs(value)))) * 128);
    expect(significands.every((significand) => Number.isInteger(significand))).toBe(true);
  });
});
