import { readSync } from "node:fs";
import { BitmendError } from "../../../util/errors.ts";

/** Bytes read at a time. */
const WINDOW_BYTES = 1_048_576;

const utf8 = new TextDecoder("utf8", { fatal: true, ignoreBOM: true });

type NumberGetter =
  | "getUint8"
  | "getInt8"
  | "getUint16"
  | "getInt16"
  | "getUint32"
  | "getInt32"
  | "getFloat32"
  | "getFloat64"
  | "getBigUint64"
  | "getBigInt64";

/** Reads little-endian values one after another from an open file, through a window, and never beyond its end. */
export class ByteCursor {
  readonly path: string;
  readonly fileBytes: number;
  /** Absolute offset of the next byte. */
  position = 0;
  readonly #descriptor: number;
  #window = new Uint8Array();
  #windowStart = 0;

  constructor(descriptor: number, { path, fileBytes }: { path: string; fileBytes: number }) {
    this.#descriptor = descriptor;
    this.path = path;
    this.fileBytes = fileBytes;
  }

  u32(): number {
    return this.number("getUint32", 4);
  }

  /** Integers of 64 bits become the nearest number. */
  number(getter: NumberGetter, byteLength: number): number {
    const bytes = this.#take(byteLength);
    return Number(new DataView(bytes.buffer, bytes.byteOffset, byteLength)[getter](0, true));
  }

  /** A count of things of at least `leastBytes` each, which must fit what is left of the file. */
  count(leastBytes: number, what: string): number {
    const count = this.number("getBigUint64", 8);
    if (count * leastBytes > this.fileBytes - this.position) throw this.#cutOff(`${count} ${what}`);
    return count;
  }

  /** UTF-8 text after its length. */
  string(mostBytes: number): string {
    const length = this.number("getBigUint64", 8);
    if (length > mostBytes || length > this.fileBytes - this.position) {
      throw this.#cutOff(`a text of at most ${mostBytes} bytes that ends in the file, got ${length}`);
    }
    try {
      return utf8.decode(this.#take(length));
    } catch (error) {
      if (error instanceof TypeError) throw this.#cutOff(`UTF-8 text at byte ${this.position - length}`);
      throw error;
    }
  }

  #take(byteLength: number): Uint8Array {
    if (byteLength > this.fileBytes - this.position)
      throw this.#cutOff(`${byteLength} more bytes at ${this.position}`);
    let start = this.position - this.#windowStart;
    if (start + byteLength > this.#window.length) {
      this.#fill(Math.min(Math.max(byteLength, WINDOW_BYTES), this.fileBytes - this.position));
      start = 0;
    }
    this.position += byteLength;
    return this.#window.subarray(start, start + byteLength);
  }

  #fill(byteLength: number): void {
    const window = new Uint8Array(byteLength);
    let filled = 0;
    while (filled < byteLength) {
      const count = readSync(this.#descriptor, window, filled, byteLength - filled, this.position + filled);
      if (count === 0) throw this.#cutOff(`${byteLength} more bytes at ${this.position}`);
      filled += count;
    }
    this.#window = window;
    this.#windowStart = this.position;
  }

  #cutOff(expected: string): BitmendError {
    return new BitmendError(
      "checkpoint/bad-gguf",
      `openGguf(): ${this.path}: expected ${expected} in a file of ${this.fileBytes} bytes.`,
      { hint: "The file is damaged or cut off; download or write it again." },
    );
  }
}
