/** @file Reading ZIP archives (APPNOTE.TXT 6.3.10, sections 4.3 and 4.4): stored, deflated and Zstandard members, with ZIP64 sizes. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { crc32, inflateRawSync, zstdDecompressSync } from "node:zlib";
import { BitmendError } from "../../util/errors.ts";
import { fileSystemError } from "../../util/file-system-error.ts";

/** An open archive. */
export interface ZipArchive extends Disposable {
  /** Names of its members; of two with one name the later counts, as an appending writer means it. */
  readonly names: readonly string[];
  /** The whole content of a member. */
  readonly read: (name: string) => Buffer;
}

interface Member {
  readonly name: string;
  readonly method: number;
  readonly checksum: number;
  readonly packedSize: number;
  readonly size: number;
  /** Of its local header. */
  readonly offset: number;
}

/** Largest member that is unpacked, in bytes: what a JavaScript string can hold. */
const mostBytes = 512 * 1024 * 1024 - 64;
const mostMembers = 1_000_000;

/**
 * Opens an archive and reads its directory; members are read when asked for.
 *
 * @throws {BitmendError} `evaluation/bad-archive` when a size or place does not fit the file, or a member is damaged; `files/...`.
 */
export function openZipArchive(path: string): ZipArchive {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    throw fileSystemError(error, "openZipArchive()", path);
  }
  try {
    const file: OpenFile = { path, descriptor, size: fstatSync(descriptor).size };
    const members = new Map(directory(file).map((member) => [member.name, member]));
    return {
      names: [...members.keys()],
      read: (name) => {
        const member = members.get(name);
        if (member === undefined) throw bad(path, `a member ${name}`, { got: "none" });
        return content(file, member);
      },
      [Symbol.dispose]: () => closeSync(descriptor),
    };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

interface OpenFile {
  readonly path: string;
  readonly descriptor: number;
  readonly size: number;
}

function bytesAt({ path, descriptor, size }: OpenFile, offset: number, length: number): Buffer {
  if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > size)
    throw bad(path, `bytes inside the ${size} of the file`, { got: `${length} at ${offset}` });
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const read = readSync(descriptor, bytes, filled, length - filled, offset + filled);
    if (read === 0) throw bad(path, `${length} bytes at ${offset}`, { got: `${filled}` });
    filled += read;
  }
  return bytes;
}

/** Reads the central directory, found from the end record (4.3.16), or its 64-bit form where a field is full (4.3.14). */
function directory(file: OpenFile): Member[] {
  const tailSize = Math.min(file.size, 22 + 65_535);
  const tail = bytesAt(file, file.size - tailSize, tailSize);
  const end = tail.lastIndexOf(Buffer.from("PK\u0005\u0006", "latin1"));
  if (end < 0 || end + 22 > tail.length) throw bad(file.path, "a ZIP archive", { got: "no end record" });
  let [count, length, start] = [
    tail.readUInt16LE(end + 10),
    tail.readUInt32LE(end + 12),
    tail.readUInt32LE(end + 16),
  ];
  if (count === 0xffff || length === 0xffffffff || start === 0xffffffff) {
    const locator = bytesAt(file, file.size - tailSize + end - 20, 20);
    if (locator.readUInt32LE(0) !== 0x07064b50) throw bad(file.path, "a 64-bit end record", { got: "none" });
    const wide = bytesAt(file, integer(file, locator.readBigUInt64LE(8)), 56);
    if (wide.readUInt32LE(0) !== 0x06064b50)
      throw bad(file.path, "a 64-bit end record", { got: "something else" });
    const field = (at: number): number => integer(file, wide.readBigUInt64LE(at));
    [count, length, start] = [field(32), field(40), field(48)];
  }
  if (count > mostMembers) throw bad(file.path, `at most ${mostMembers} members`, { got: String(count) });
  return membersOf(file, bytesAt(file, start, length), count);
}

function membersOf(file: OpenFile, bytes: Buffer, count: number): Member[] {
  const members: Member[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== 0x02014b50)
      throw bad(file.path, `${count} members in its directory`, { got: String(index) });
    const nameLength = bytes.readUInt16LE(at + 28);
    const extraLength = bytes.readUInt16LE(at + 30);
    const commentLength = bytes.readUInt16LE(at + 32);
    const next = at + 46 + nameLength + extraLength + commentLength;
    if (next > bytes.length)
      throw bad(file.path, "a directory inside its bounds", { got: "one that ends early" });
    const name = bytes.toString("utf8", at + 46, at + 46 + nameLength);
    const extra = bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength);
    const isEncrypted = bytes.readUInt16LE(at + 8) % 2 === 1;
    if (isEncrypted) throw bad(file.path, "members that are not encrypted", { got: name });
    members.push({
      name,
      method: bytes.readUInt16LE(at + 10),
      checksum: bytes.readUInt32LE(at + 16),
      ...places(
        file,
        {
          size: bytes.readUInt32LE(at + 24),
          packedSize: bytes.readUInt32LE(at + 20),
          offset: bytes.readUInt32LE(at + 42),
        },
        extra,
      ),
    });
    at = next;
  }
  return members;
}

type Places = Pick<Member, "size" | "packedSize" | "offset">;

/** Replaces full 32-bit fields by those of the ZIP64 extra field, which holds only these, in this order (4.5.3). */
function places(file: OpenFile, narrow: Places, extra: Buffer): Places {
  const wide = { ...narrow };
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    let field = at + 4;
    for (const name of ["size", "packedSize", "offset"] as const) {
      if (narrow[name] !== 0xffffffff) continue;
      if (field + 8 > extra.length) throw bad(file.path, "64-bit sizes", { got: "fewer than it says" });
      wide[name] = integer(file, extra.readBigUInt64LE(field));
      field += 8;
    }
  }
  return wide;
}

function content(file: OpenFile, { name, method, checksum, packedSize, size, offset }: Member): Buffer {
  if (size > mostBytes)
    throw bad(file.path, `members of at most ${mostBytes} bytes`, { got: `${name} of ${size}` });
  const local = bytesAt(file, offset, 30);
  if (local.readUInt32LE(0) !== 0x04034b50)
    throw bad(file.path, `a header of ${name} at ${offset}`, { got: "none" });
  const packed = bytesAt(file, offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28), packedSize);
  let bytes: Buffer;
  try {
    bytes = unpacked(packed, method, size);
  } catch (cause) {
    throw bad(file.path, `a member ${name} of method ${method} that unpacks to ${size} bytes`, {
      got: "another",
      cause,
    });
  }
  if (bytes.length !== size || crc32(bytes) !== checksum)
    throw bad(file.path, `the bytes that ${name} was made from`, { got: "others" });
  return bytes;
}

function unpacked(packed: Buffer, method: number, size: number): Buffer {
  const maxOutputLength = Math.max(1, size);
  if (method === 0) return packed;
  if (method === 8) return inflateRawSync(packed, { maxOutputLength });
  if (method === 93) return zstdDecompressSync(packed, { maxOutputLength });
  throw new RangeError(`method ${method}`);
}

function integer(file: OpenFile, value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw bad(file.path, "sizes below 2^53", { got: String(value) });
  return Number(value);
}

function bad(path: string, expected: string, { got, cause }: { got: string; cause?: unknown }): BitmendError {
  return new BitmendError(
    "evaluation/bad-archive",
    `openZipArchive(): expected ${expected} in ${path}, got ${got}.`,
    {
      hint: "The file is damaged or no ZIP archive; copy it again.",
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
