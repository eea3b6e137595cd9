import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { StopStrings } from "./stop-rule.ts";
import { TextStream } from "./text-stream.ts";

/** A token is a byte. */
const bytes = { decode: (ids: readonly number[]): string => Buffer.from(ids).toString() };

function streamed(text: string, stops: readonly string[]): { pieces: string[]; whole: string } {
  const stream = new TextStream(bytes, stops);
  const rule = new StopStrings(stops, bytes);
  const tokenIds: number[] = [];
  const pieces: string[] = [];
  for (const byte of Buffer.from(text)) {
    tokenIds.push(byte);
    pieces.push(stream.push(byte));
    if (rule.isReached(tokenIds)) break;
  }
  const whole = rule.cut(bytes.decode(tokenIds));
  return { pieces: [...pieces, stream.rest(whole)], whole };
}

describe("a text stream", () => {
  test("worked example: characters stay whole, and the beginning of a stop string waits", () => {
    expect(streamed("aé\nb\n\nc", ["\n\n"]).pieces).toEqual(["a", "", "é", "", "\nb", "", "", ""]);
  });

  test("property: the pieces are the final text", () => {
    const texts = fc.string({ unit: fc.constantFrom("a", "b", "é", "😀", " "), maxLength: 30 });
    const stops = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "é"), minLength: 1, maxLength: 3 }), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(texts, stops, (text, all) => {
        const { pieces, whole } = streamed(text, all);
        expect(pieces.join("")).toBe(whole);
      }),
    );
  });

  test("bytes that are no character are handed out at the end", () => {
    const stream = new TextStream(bytes);
    expect(stream.push(0xc3)).toBe("");
    expect(stream.rest(bytes.decode([0xc3]))).toBe("\u{FFFD}");
  });
});
