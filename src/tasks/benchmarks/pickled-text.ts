import { inflateSync } from "node:zlib";
import { BitmendError } from "../../util/errors.ts";

/** Tests of one problem, unpacked. */
const maxBytes = 512 * 2 ** 20;

/**
 * Reads base64 of zlib of a Python pickle that is one text, as LiveCodeBench packs its hidden tests. Nothing is executed: of the pickle
 * language only what a text needs is read (protocols 2 to 5).
 *
 * @throws {BitmendError} `tasks/malformed` for anything else.
 */
export function pickledText(packed: string): string {
  try {
    return textOf(inflateSync(Buffer.from(packed, "base64"), { maxOutputLength: maxBytes }));
  } catch (cause) {
    throw new BitmendError("tasks/malformed", "pickledText(): expected a packed text, got something else.", {
      cause,
    });
  }
}

const PROTO = 0x80;
const FRAME = 0x95;
const MEMOIZE = 0x94;
const BINPUT = 0x71;
const LONG_BINPUT = 0x72;
const STOP = 0x2e;
/** Operation codes that a text follows, and the bytes of its length. */
const TEXT_LENGTH_BYTES: ReadonlyMap<number, number> = new Map([
  [0x8c, 1],
  [0x58, 4],
  [0x8d, 8],
]);
/** Operation codes that change nothing here, and the bytes of what follows them. */
const SKIPPED: ReadonlyMap<number, number> = new Map([
  [PROTO, 1],
  [FRAME, 8],
  [MEMOIZE, 0],
  [BINPUT, 1],
  [LONG_BINPUT, 4],
]);

function textOf(bytes: Buffer): string {
  let text: string | null = null;
  for (let at = 0; at < bytes.length;) {
    const code = bytes[at]!;
    at++;
    const skipped = SKIPPED.get(code);
    const lengthBytes = TEXT_LENGTH_BYTES.get(code);
    if (code === STOP && text !== null) return text;
    if (skipped !== undefined) at += skipped;
    else if (lengthBytes === undefined || text !== null) break;
    else {
      const length =
        lengthBytes === 8 ? Number(bytes.readBigUInt64LE(at)) : bytes.readUIntLE(at, lengthBytes);
      at += lengthBytes;
      if (length > bytes.length - at) break;
      text = bytes.toString("utf8", at, at + length);
      at += length;
    }
  }
  throw new RangeError("not one text");
}
