import type { QuantizationCost } from "../quantization/estimate.ts";
import { byteSize, duration } from "../report/number-text.ts";

/** A cost in words: 3 min 20 s, 1.4 GB of memory, 0.3 GB of disk. */
export function describeCost({ seconds, memoryBytes, diskBytes }: QuantizationCost): string {
  return `${duration(seconds)}, ${byteSize(memoryBytes)} of memory, ${byteSize(diskBytes)} of disk`;
}
