import { assert, float, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "./half-floats.ts";

const everyPattern = Uint16Array.from({ length: 65_536 }, (_, index) => index);

describe("bfloat16", () => {
  it("rounds to nearest, ties to even (worked example: 8 bits of significand)", () => {
    const values = new Float32Array([1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -0, 3.4e38]);
    const rounded = [...bfloat16ToFloat32(float32ToBfloat16(values))];
    expect(rounded).toEqual([1, 1, 1 + 2 ** -6, 1 + 2 ** -7, -0, Infinity]);
  });

  it("keeps every one of the 65,536 patterns, NaN as NaN", () => {
    const values = bfloat16ToFloat32(everyPattern);
    const back = float32ToBfloat16(values);
    const wrong = everyPattern.filter((pattern, index) =>
      Number.isNaN(values[index])
        ? !Number.isNaN(bfloat16ToFloat32(back.subarray(index))[0])
        : back[index] !== pattern,
    );
    expect([...wrong]).toEqual([]);
  });

  it("never turns a NaN with low bits only into infinity", () => {
    const signalling = new Float32Array(new Uint32Array([0x7f_80_00_01]).buffer);
    expect(bfloat16ToFloat32(float32ToBfloat16(signalling))[0]).toBeNaN();
  });

  it("is as near as any neighbour", () => {
    const limit = Math.fround(1e30);
    const nearest = property(float({ noNaN: true, min: -limit, max: limit }), (value) => {
      const [bits] = float32ToBfloat16(new Float32Array([value]));
      const [here, above] = bfloat16ToFloat32(new Uint16Array([bits!, bits! + 1]));
      return Math.abs(here! - value) <= Math.abs(above! - value);
    });
    expect(() => assert(nearest)).not.toThrow();
  });
});

describe("fp16", () => {
  it("keeps every one of the 65,536 patterns, NaN as NaN", () => {
    const values = float16ToFloat32(everyPattern);
    const back = float32ToFloat16(values);
    const wrong = everyPattern.filter(
      (pattern, index) => !Number.isNaN(values[index]) && back[index] !== pattern,
    );
    expect([...wrong]).toEqual([]);
  });

  it("rounds ties to even and overflows to infinity", () => {
    const values = new Float32Array([1 + 2 ** -11, 1 + 3 * 2 ** -11, 65_519, 65_520]);
    expect([...float16ToFloat32(float32ToFloat16(values))]).toEqual([1, 1 + 2 ** -9, 65_504, Infinity]);
  });
});
