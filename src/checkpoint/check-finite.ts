/** @file Refusing NaN and infinity in weights. Bits are looked at, two numbers at a time: eight billion weights take seconds. */
/* oxlint-disable eslint/no-bitwise -- the test is on the exponent's bits */
import { statSync } from "node:fs";
import { BitmendError } from "../util/errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { TensorLocation } from "./safetensors.ts";
import { tensorChunks } from "./tensor-chunks.ts";

/** An exponent of all ones is infinity or NaN, in every IEEE format and in bfloat16. */
const EXPONENT = { F16: 0x7c_00, BF16: 0x7f_80 } as const;
const FLOAT32_EXPONENT = 0x7f_80_00_00;

/** Tensors found finite by this process, each with the size and time of its file: several verbs of one run ask. */
const knownFinite = new Set<string>();

/**
 * Reads every float tensor once, a piece at a time, and refuses NaN and infinity.
 *
 * @throws {BitmendError} `checkpoint/not-finite` lists the tensors with how many such values each has.
 */
export function checkFinite(checkpoint: Pick<Checkpoint, "directory" | "tensors">): void {
  const offences: string[] = [];
  for (const [name, tensor] of checkpoint.tensors) {
    const key = identityOf(tensor);
    if (knownFinite.has(key)) continue;
    const count = countNotFinite(tensor);
    if (count === 0) knownFinite.add(key);
    else offences.push(`${name} (${count})`);
  }
  if (offences.length === 0) return;
  throw new BitmendError(
    "checkpoint/not-finite",
    `checkFinite(): ${checkpoint.directory}: expected finite weights, but NaN or infinity is in ${offences.slice(0, 20).join(", ")}${offences.length > 20 ? ` and ${offences.length - 20} more` : ""}.`,
    { hint: "The training that wrote it diverged, or the file is damaged; take another checkpoint." },
  );
}

function identityOf({ path, offset, byteLength, dataType }: TensorLocation): string {
  const file = statSync(path, { throwIfNoEntry: false, bigint: true });
  return JSON.stringify([path, offset, byteLength, dataType, String(file?.size), String(file?.mtimeNs)]);
}

function countNotFinite(tensor: TensorLocation): number {
  const { dataType } = tensor;
  let count = 0;
  if (dataType !== "F64" && dataType !== "F32" && dataType !== "F16" && dataType !== "BF16") return count;
  for (const { buffer, byteLength } of tensorChunks(tensor)) {
    if (dataType === "F64") count += countInFloat64(new Float64Array(buffer, 0, byteLength / 8));
    else if (dataType === "F32") {
      count += countExponents(new Uint32Array(buffer, 0, byteLength / 4), FLOAT32_EXPONENT, 0);
    } else {
      // A piece ends at the end of the tensor or at an even number; beyond a tensor of an odd number there are zeros.
      const pairs = new Uint32Array(buffer, 0, Math.ceil(byteLength / 4));
      if (byteLength % 4 !== 0) new Uint16Array(buffer)[byteLength / 2] = 0;
      count += countExponents(pairs, EXPONENT[dataType], EXPONENT[dataType] << 16);
    }
  }
  return count;
}

function countInFloat64(values: Float64Array): number {
  let count = 0;
  for (const value of values) if (!Number.isFinite(value)) count++;
  return count;
}

/** How many words have all bits of `low`, and how many those of `high` besides; 0 asks for nothing. */
function countExponents(words: Uint32Array, low: number, high: number): number {
  let count = 0;
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    if ((word & low) === low) count++;
    if (high !== 0 && (word & high) === high) count++;
  }
  return count;
}
