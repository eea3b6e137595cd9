import { BitmendError } from "../util/errors.ts";

/** One prompt to complete. */
export interface GenerationRequest {
  /** Unique; names the completion and, with `seed`, its random stream. */
  readonly id: string;
  readonly promptIds: readonly number[];
  readonly seed: number;
}

/** What the model can take. */
export interface RequestLimits {
  readonly vocabularySize: number;
  /** Longest sequence, prompt and completion together. */
  readonly positions: number;
  readonly maxNewTokens: number;
}

/**
 * Checks every request before any work.
 *
 * @throws {BitmendError} `generation/bad-request` names up to five requests that cannot run, and why.
 */
export function validateRequests(requests: readonly GenerationRequest[], limits: RequestLimits): void {
  const seen = new Set<string>();
  const complaints: string[] = [];
  for (const { id, promptIds } of requests) {
    const complaint = complain(promptIds, limits) ?? (seen.has(id) ? "a second request of this id" : null);
    if (complaint !== null) complaints.push(`"${id}": ${complaint}`);
    seen.add(id);
  }
  if (complaints.length === 0) return;
  const shown =
    complaints.slice(0, 5).join("; ") + (complaints.length > 5 ? `; and ${complaints.length - 5} more` : "");
  throw new BitmendError(
    "generation/bad-request",
    `generate(): expected requests that the model can run, got ${shown}.`,
    {
      hint: "Shorten the prompts, lower maxNewTokens, or load the model with more positions.",
    },
  );
}

function complain(
  promptIds: readonly number[],
  { vocabularySize, positions, maxNewTokens }: RequestLimits,
): string | null {
  if (promptIds.length === 0) return "an empty prompt";
  const foreign = promptIds.find(
    (tokenId) => !Number.isInteger(tokenId) || tokenId < 0 || tokenId >= vocabularySize,
  );
  if (foreign !== undefined) return `token ${foreign} outside the vocabulary of ${vocabularySize}`;
  if (promptIds.length + maxNewTokens > positions) {
    return `${promptIds.length} prompt tokens and ${maxNewTokens} new ones exceed ${positions} positions`;
  }
  return null;
}
