import { BitmendError } from "../../util/errors.ts";

/**
 * Refuses low-bit modules that no reader of a format expects to be low-bit.
 *
 * @throws {BitmendError} `checkpoint/unwritable-module` with all of them.
 */
export function refuseModules(format: string, low: Iterable<string>, dense: readonly string[]): void {
  const refused = [...low].filter((module) => dense.includes(module));
  if (refused.length === 0) return;
  throw new BitmendError(
    "checkpoint/unwritable-module",
    `refuseModules(): expected ${dense.join(" and ")} in full precision, as readers of ${format} do, got low-bit ${refused.join(" and ")}.`,
    { hint: "compressed-tensors, mlx and gguf hold them." },
  );
}
