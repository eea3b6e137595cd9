import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BitmendError } from "../util/errors.ts";
import { allocationSchema, type AllocationRecord } from "./sensitivity.ts";

/**
 * The choices of widths that a directory records, in the order in which they were made; none where there is no allocations.json.
 *
 * @throws {BitmendError} `records/malformed` when the file is another.
 */
export function readAllocations(directory: string): AllocationRecord[] {
  const path = join(directory, "allocations.json");
  if (!existsSync(path)) return [];
  try {
    return allocationSchema.array().parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new BitmendError(
      "records/malformed",
      `readAllocations(): ${path} does not record choices of widths.`,
      {
        hint: "Remove it, or delete the run directory to start over.",
        cause,
      },
    );
  }
}
