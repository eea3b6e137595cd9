import { BitmendError } from "../util/errors.ts";

/** Refuses a number of problems that is not a whole number of at least 1. */
export function checkCount(where: string, count: number): void {
  if (Number.isSafeInteger(count) && count >= 1) return;
  throw new BitmendError(
    "tasks/bad-options",
    `${where}: expected count to be a whole number of at least 1, got ${count}.`,
  );
}
