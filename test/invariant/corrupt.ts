/** @file Ways to damage a file: cuts, flips and splices of bytes, and hostile values inside JSON. */
import type { RandomStream } from "../../src/util/random.ts";

const NUMBERS = [0, -1, 0.5, 1e12, 2 ** 31, 2 ** 53, 2 ** 53 + 2, 1e308, -1e308];
const TEXTS = [
  "",
  "\0",
  "../../etc/passwd",
  "__proto__",
  "F32",
  "I64",
  "BF16",
  "F4",
  "llama",
  "(a+)+$",
  "re:(a+)+$",
];
const HOSTILE: readonly unknown[] = [...NUMBERS, ...TEXTS, null, true, [], {}, [[]], [1e12], { a: 1 }];

/** One damaged copy of `bytes`. */
export function corruptBytes(bytes: Uint8Array, random: RandomStream): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = (): number => random.integer(copy.length + 1);
  const start = at();
  const length = random.integer(64);
  switch (random.integer(5)) {
    case 0:
      return copy.subarray(0, start);
    case 1:
      return joined(
        copy,
        Uint8Array.from({ length: 1 + length }, () => random.integer(256)),
      );
    case 2:
      for (let count = 1 + random.integer(4); count > 0; count--) copy[at()] = random.integer(256);
      return copy;
    case 3:
      return joined(copy.subarray(0, start), copy.subarray(start + length));
    default:
      return joined(copy.subarray(0, start), copy.subarray(at()).subarray(0, length), copy.subarray(start));
  }
}

/** A copy of a JSON text in which one value is replaced or removed, or one key renamed. */
export function corruptJson(text: string, random: RandomStream): string {
  const json: unknown = JSON.parse(text);
  // Walk down at random; the chance to stop grows with depth, so that shallow values are hit as well.
  let node: unknown = json;
  for (;;) {
    if (typeof node !== "object" || node === null) break;
    const keys = Object.keys(node);
    if (keys.length === 0) break;
    const key = random.pick(keys);
    const record = node as Record<string, unknown>;
    const child = record[key];
    if (typeof child === "object" && child !== null && random.next() < 0.8) {
      node = child;
      continue;
    }
    corruptEntry(record, key, random);
    break;
  }
  return JSON.stringify(json);
}

function corruptEntry(record: Record<string, unknown>, key: string, random: RandomStream): void {
  const value = record[key];
  const action = random.integer(4);
  if (action === 0) delete record[key];
  else if (action === 1) {
    delete record[key];
    record[random.pick(["renamed", "__proto__", "constructor", `${key}x`])] = value;
  } else if (action === 2 && typeof value === "number") record[key] = value + random.pick([-1, 1, 2, 1000]);
  else record[key] = random.pick(HOSTILE);
}

/** A damaged safetensors file: bytes anywhere, the announced header length, or a value of the header. */
export function corruptSafetensors(bytes: Uint8Array, random: RandomStream): Uint8Array {
  const way = random.integer(4);
  if (way === 0) return corruptBytes(bytes, random);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = bytes.subarray(8, 8 + length);
  const data = bytes.subarray(8 + length);
  if (way === 1) {
    const lengths = [
      0,
      1,
      length - 1,
      length + 1,
      length + 8,
      bytes.length,
      99_999_999,
      2 ** 32,
      2 ** 42,
      2 ** 53,
    ];
    return joined(lengthPrefix(BigInt(random.pick(lengths))), header, data);
  }
  const damaged =
    way === 2
      ? corruptBytes(header, random)
      : new TextEncoder().encode(corruptJson(new TextDecoder().decode(header), random));
  return joined(lengthPrefix(BigInt(damaged.length)), damaged, data);
}

function lengthPrefix(length: bigint): Uint8Array {
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, length, true);
  return prefix;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
