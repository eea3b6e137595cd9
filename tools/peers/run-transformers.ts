import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { z } from "zod";

/** What transformers-run.py is asked. */
export interface PeerRequest {
  readonly directory: string;
  /** Token ids. */
  readonly sequences: readonly (readonly number[])[];
  /** Questions of a user, each to be answered greedily. */
  readonly conversations?: readonly string[];
  readonly maxNewTokens?: number;
  /** A PEFT directory. */
  readonly adapter?: string;
  /** Low-bit weights become float32 while they are loaded, instead of when they are first used. */
  readonly dequantize?: boolean;
}

const answerSchema = z.object({
  versions: z.record(z.string(), z.string()),
  dataTypes: z.array(z.string()),
  /** [tokens * vocabularySize] of each sequence. */
  logits: z.array(z.array(z.number())),
  conversations: z.array(z.object({ promptIds: z.array(z.number()), completionIds: z.array(z.number()) })),
});

/** What transformers-run.py answers. */
export type PeerAnswer = z.infer<typeof answerSchema>;

/**
 * Runs a model directory with the transformers library of `python`.
 *
 * @throws {Error} with the end of what the library wrote when it refuses the model.
 */
export async function runTransformers(python: string, request: PeerRequest): Promise<PeerAnswer> {
  const environment = { ...process.env, HF_HUB_OFFLINE: "1", TRANSFORMERS_VERBOSITY: "error" };
  const peer = spawn(python, [join(import.meta.dirname, "transformers-run.py")], { env: environment });
  peer.stdin.on("error", () => {
    // A program that ends before it reads is told by its exit status.
  });
  peer.stdin.end(JSON.stringify(request));
  const status = new Promise<number | null>((resolve, reject) => {
    peer.on("error", reject);
    peer.on("close", resolve);
  });
  const [written, complaints, code] = await Promise.all([text(peer.stdout), text(peer.stderr), status]);
  if (code !== 0) throw new Error(`transformers-run.py ended with ${code}: ${complaints.slice(-2000)}`);
  return answerSchema.parse(JSON.parse(written));
}
