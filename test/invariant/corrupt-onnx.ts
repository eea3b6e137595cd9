/** @file Ways to damage an ONNX message so that much of it still makes sense. */
import {
  bytesField,
  integerField,
  join,
  message,
  messageField,
  stringField,
  type Encoded,
} from "../../src/onnx/wire.ts";
import { messageOf, textOf, wireFields, type WireField } from "../../src/onnx/wire-reader.ts";
import type { RandomStream } from "../../src/util/random.ts";
import { corruptBytes, corruptJson } from "./corrupt.ts";

const TEXTS = [
  "",
  "-1",
  "1e9",
  "99999999999999999999",
  "../x",
  "0x10",
  "1.5",
  "NaN",
  "\0",
  "64",
  "9007199254740993",
];
const INTEGERS = [0, -1, 1, 2, 7, 16, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 63)];

/** One damaged copy: bytes anywhere, or a value of the metadata or of a tensor. */
export function corruptOnnx(bytes: Uint8Array, random: RandomStream): Uint8Array {
  const changed = replacer(random);
  if (random.integer(4) === 0) return corruptBytes(bytes, random);
  if (random.integer(3) === 0) return changed(bytes, 14, (entry) => corruptEntry(entry, random));
  return changed(bytes, 7, (graph) => changed(graph, 5, (tensor) => corruptTensor(tensor, random)));
}

type Change = (content: Uint8Array) => Uint8Array;

/** Changes one occurrence of a field and leaves all others as they are. */
function replacer(random: RandomStream): (bytes: Uint8Array, number: number, change: Change) => Uint8Array {
  return (bytes, number, change) => {
    const fields = [...wireFields(bytes)];
    const chosen = random.pick([...fields.keys()].filter((index) => fields[index]!.number === number));
    return join(
      message(
        fields.map((field, index) =>
          index === chosen ? bytesField(number, change(messageOf(field))) : encoded(field),
        ),
      ),
    );
  };
}

/** A metadata entry whose value is other JSON, or a tensor's entry whose value is another text. */
function corruptEntry(entry: Uint8Array, random: RandomStream): Uint8Array {
  const [key, value] = [...wireFields(entry)].map((field) => textOf(field));
  const text =
    value?.startsWith("{") === true && random.integer(4) > 0
      ? corruptJson(value, random)
      : random.pick(TEXTS);
  return join(message([stringField(1, key ?? ""), stringField(2, text)]));
}

function corruptTensor(tensor: Uint8Array, random: RandomStream): Uint8Array {
  const fields = [...wireFields(tensor)];
  const isExternal = fields.some(({ number }) => number === 13);
  switch (random.integer(4)) {
    case 0:
      return corruptBytes(tensor, random);
    case 1:
      return isExternal
        ? replacer(random)(tensor, 13, (entry) => corruptEntry(entry, random))
        : corruptBytes(tensor, random);
    case 2: {
      const chosen = random.integer(fields.length);
      return join(message(fields.filter((_, index) => index !== chosen).map((field) => encoded(field))));
    }
    default: {
      const other = integerField(random.pick([1, 2, 14]), random.pick(INTEGERS));
      return join(message([...fields.map((field) => encoded(field)), other]));
    }
  }
}

function encoded({ number, value }: WireField): Encoded {
  if (typeof value === "bigint") return integerField(number, value);
  return messageField(number, { chunks: [value], byteLength: value.length });
}
