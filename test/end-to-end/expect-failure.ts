import { expect } from "vitest";
import type { Outcome } from "./bitmend.ts";

/** The program failed with `code`: nothing on stdout, one message with an advice and no stack on stderr. */
export function expectFailure({ ended, stdout, stderr }: Outcome, code: string): void {
  expect({ ended, stdout }).toEqual({ ended: 1, stdout: "" });
  expect(stderr).toContain(`[${code}]`);
  expect(stderr).not.toMatch(/Internal error|^\s+at /mu);
}
