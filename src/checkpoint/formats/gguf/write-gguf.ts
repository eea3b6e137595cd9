/**
 * @file Writes a model as one GGUF file that llama.cpp runs: metadata with the tokenizer, then one tensor after another, so that only one is
 * in memory at a time.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { BitmendError } from "../../../util/errors.ts";
import { fileSystemError } from "../../../util/file-system-error.ts";
import type { Checkpoint } from "../../checkpoint.ts";
import type { TokenizerFiles } from "../../tokenizer-files.ts";
import { fieldBytes, stringBytes, u32, u64, type GgufField } from "./metadata.ts";
import { metadataOfConfig, unsupportedByGguf } from "./metadata-of-config.ts";
import { metadataOfTokenizer } from "./metadata-of-tokenizer.ts";
import { planTensors, type PlannedTensor } from "./plan-tensors.ts";
import { byteLengthOf } from "./tensor-types.ts";

const ALIGNMENT = 32;
const QUANTIZATION_VERSION = 2;

export interface GgufOptions {
  readonly source: Checkpoint;
  /** The file to write. */
  readonly path: string;
  readonly tokenizer: TokenizerFiles;
  /** `general.name`. */
  readonly name: string;
  /** What no type holds exactly becomes the nearest instead of an error. Default: false. */
  readonly lossy?: boolean;
}

/** A tensor is on disk. */
export interface GgufEvent {
  readonly type: "tensor";
  /** In the file. */
  readonly name: string;
  readonly done: number;
  readonly total: number;
}

interface InexactWeight {
  /** In words that end an error message. */
  readonly reason: string;
  /** Squared differences of the weights relative to the squared weights. */
  readonly relativeSquaredError: number;
}

export interface GgufSummary {
  /** Tensor type of each matrix, by Hugging Face module name. */
  readonly types: ReadonlyMap<string, string>;
  /** What the file does not hold exactly, by module. */
  readonly inexact: ReadonlyMap<string, InexactWeight>;
}

/**
 * Writes the file. Low-bit weights keep their numbers in the smallest type that holds them, full weights their data type; norms and biases
 * become F32.
 *
 * @yields One event a tensor.
 * @throws {BitmendError} `checkpoint/inexact` lists the modules that no type holds exactly (unless `lossy`), `checkpoint/unsupported-by-gguf`
 * what llama.cpp cannot compute, `checkpoint/unsupported-tokenizer`, `files/...`; nothing is left behind.
 */
export function* writeGguf(
  { source, path, tokenizer, name, lossy = false }: GgufOptions,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Generator<GgufEvent, GgufSummary, void> {
  const reasons = unsupportedByGguf(source.config);
  if (reasons.length > 0) {
    throw new BitmendError(
      "checkpoint/unsupported-by-gguf",
      `writeGguf(): expected a model that llama.cpp computes, but ${reasons.join("; ")}.`,
    );
  }
  const tokenizerFields = metadataOfTokenizer(tokenizer, source.config);
  const tensors = planTensors(source);
  refuseInexact(tensors, lossy);
  const fields = [...modelFields({ source, name, tensors }), ...tokenizerFields];
  const inexact = new Map<string, InexactWeight>();
  const partial = `${path}.partial`;
  let isDone = false;
  try {
    const descriptor = openSync(partial, "w");
    try {
      writeAll(descriptor, padded(headBytes(fields, tensors)));
      for (const [index, tensor] of tensors.entries()) {
        signal?.throwIfAborted();
        const relativeSquaredError = writeTensor(descriptor, tensor);
        if (tensor.inexact !== null)
          inexact.set(tensor.module, { reason: tensor.inexact, relativeSquaredError });
        yield { type: "tensor", name: tensor.name, done: index + 1, total: tensors.length };
      }
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(partial, path);
    isDone = true;
  } catch (error) {
    throw fileSystemError(error, "writeGguf()", path);
  } finally {
    if (!isDone) rmSync(partial, { force: true });
  }
  const matrices = tensors.filter(({ shape }) => shape.length === 2);
  return { types: new Map(matrices.map(({ module, type }) => [module, type.name])), inexact };
}

function refuseInexact(tensors: readonly PlannedTensor[], lossy: boolean): void {
  const offences = tensors.filter(({ inexact }) => inexact !== null);
  if (lossy || offences.length === 0) return;
  const shown = offences.slice(0, 50).map(({ module, inexact }) => `${module}: ${inexact}`);
  const more = offences.length > 50 ? `; and ${offences.length - 50} more` : "";
  throw new BitmendError(
    "checkpoint/inexact",
    `writeGguf(): expected weights that GGUF holds exactly, but ${shown.join("; ")}${more}.`,
    { hint: "Pass --lossy to store the nearest, with the error stated." },
  );
}

function modelFields({
  source,
  name,
  tensors,
}: {
  source: Checkpoint;
  name: string;
  tensors: readonly PlannedTensor[];
}): GgufField[] {
  const counts = new Map<number, number>();
  for (const { type, shape } of tensors) {
    if (shape.length === 2) counts.set(type.fileType, (counts.get(type.fileType) ?? 0) + 1);
  }
  const [fileType = 0] = [...counts].toSorted(([, left], [, right]) => right - left)[0] ?? [];
  const isQuantized = tensors.some(({ type }) => type.blockElements > 1);
  const version: GgufField = {
    key: "general.quantization_version",
    type: "u32",
    value: QUANTIZATION_VERSION,
  };
  return [
    ...metadataOfConfig(source.config),
    { key: "general.name", type: "string", value: name },
    { key: "general.file_type", type: "u32", value: fileType },
    ...(isQuantized ? [version] : []),
  ];
}

function headBytes(fields: readonly GgufField[], tensors: readonly PlannedTensor[]): Buffer {
  let offset = 0;
  const entries = tensors.map((tensor) => {
    const { name, shape, type } = tensor;
    const entry = [
      stringBytes(name),
      u32(shape.length),
      ...shape.toReversed().map(u64),
      u32(type.id),
      u64(offset),
    ];
    offset += aligned(byteLengthOfTensor(tensor));
    return Buffer.concat(entry);
  });
  const head = [Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(fields.length)];
  return Buffer.concat([...head, ...fields.map(fieldBytes), ...entries]);
}

/** Returns the relative squared error. */
function writeTensor(descriptor: number, tensor: PlannedTensor): number {
  const length = byteLengthOfTensor(tensor);
  let written = 0;
  const { pieces, error } = tensor.read();
  for (const piece of pieces()) {
    writeAll(descriptor, piece);
    written += piece.length;
  }
  if (written !== length) {
    throw new BitmendError(
      "checkpoint/bad-tensor",
      `writeGguf(): expected ${length} bytes of ${tensor.name}, got ${written}.`,
    );
  }
  writeAll(descriptor, new Uint8Array(aligned(length) - length));
  return error;
}

function byteLengthOfTensor({ type, shape }: PlannedTensor): number {
  return byteLengthOf(
    type,
    shape.reduce((product, size) => product * size, 1),
  );
}

function aligned(byteLength: number): number {
  return Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(aligned(bytes.length));
  whole.set(bytes);
  return whole;
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
}
