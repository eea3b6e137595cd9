import { BitmendError } from "../util/errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { readTensorBytes, type TensorLocation } from "./safetensors.ts";

/** An exponent of all ones is infinity or NaN, in every IEEE format and in bfloat16. */
const EXPONENT = { F16: 0x7c_00, BF16: 0x7f_80, F32: 0x7f_80_00_00 } as const;

/**
 * Reads every float tensor once, one at a time in memory, and refuses NaN and infinity.
 *
 * @throws {BitmendError} `checkpoint/not-finite` lists the tensors with how many such values each has.
 */
export function checkFinite(checkpoint: Pick<Checkpoint, "directory" | "tensors">): void {
  const offences: string[] = [];
  for (const [name, tensor] of checkpoint.tensors) {
    const count = countNotFinite(tensor);
    if (count > 0) offences.push(`${name} (${count})`);
  }
  if (offences.length === 0) return;
  throw new BitmendError(
    "checkpoint/not-finite",
    `checkFinite(): ${checkpoint.directory}: expected finite weights, but NaN or infinity is in ${offences.slice(0, 20).join(", ")}${offences.length > 20 ? ` and ${offences.length - 20} more` : ""}.`,
    { hint: "The training that wrote it diverged, or the file is damaged; take another checkpoint." },
  );
}

function countNotFinite(tensor: TensorLocation): number {
  const { dataType } = tensor;
  if (dataType === "F64")
    return countWhere(new Float64Array(readTensorBytes(tensor).buffer), (value) => !Number.isFinite(value));
  if (dataType !== "F16" && dataType !== "BF16" && dataType !== "F32") return 0;
  const { buffer } = readTensorBytes(tensor);
  const bits = dataType === "F32" ? new Uint32Array(buffer) : new Uint16Array(buffer);
  const exponent = EXPONENT[dataType];
  // oxlint-disable-next-line eslint/no-bitwise -- the test is on the exponent's bits, four times as fast as widening first
  return countWhere(bits, (pattern) => (pattern & exponent) === exponent);
}

function countWhere(
  values: Uint16Array | Uint32Array | Float64Array,
  holds: (value: number) => boolean,
): number {
  let count = 0;
  for (const value of values) if (holds(value)) count += 1;
  return count;
}
