import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { z } from "zod";

/** The programs beside this file that read models, and those that write them. */
export type PeerReader = "transformers" | "gptqmodel" | "autoawq" | "mlx-lm" | "llama-cpp" | "onnxruntime";
export type PeerWriter = "gptqmodel" | "llm-compressor" | "mlx-lm" | "llama-cpp";

/** One model to run; see protocol.py and the programs for what else they take. */
export interface ReaderJob {
  /** A directory, or a GGUF file. */
  readonly directory: string;
  /** Token ids. */
  readonly sequences: readonly (readonly number[])[];
  /** Token ids, each to be completed greedily by maxNewTokens tokens. */
  readonly prompts?: readonly (readonly number[])[];
  readonly maxNewTokens?: number;
  readonly [setting: string]: unknown;
}

const versionsSchema = z.record(z.string(), z.string());

const readerAnswerSchema = z.object({
  versions: versionsSchema,
  results: z.array(
    z.object({
      /** [tokens * vocabularySize] of each sequence. */
      logits: z.array(z.string().transform(decodeFloats)),
      completions: z.array(z.array(z.number())),
      conversations: z
        .array(z.object({ promptIds: z.array(z.number()), completionIds: z.array(z.number()) }))
        .default([]),
      /** Of every text. */
      tokenIds: z.array(z.array(z.number())).default([]),
    }),
  ),
});

export type ReaderAnswer = z.infer<typeof readerAnswerSchema>;
export type ReaderResult = ReaderAnswer["results"][number];

/** Runs models with the reader named; the answers are in the order of the jobs. */
export async function readWithPeer(
  python: string,
  reader: PeerReader,
  jobs: readonly ReaderJob[],
): Promise<ReaderAnswer> {
  return readerAnswerSchema.parse(await runPeer(python, `read-with-${reader}.py`, { jobs }));
}

/** Writes models with the writer named, and gives the versions of its libraries. */
export async function writeWithPeer(
  python: string,
  writer: PeerWriter,
  request: Readonly<Record<string, unknown>>,
): Promise<Record<string, string>> {
  const answer = await runPeer(python, `write-with-${writer}.py`, request);
  return z.object({ versions: versionsSchema }).parse(answer).versions;
}

/**
 * Runs a program of this folder.
 *
 * @throws {Error} with the end of what it wrote when it fails.
 */
async function runPeer(python: string, script: string, request: unknown): Promise<unknown> {
  const peer = spawn(python, [join(import.meta.dirname, script)]);
  peer.stdin.on("error", () => {
    // A program that ends before it reads is told by its exit status.
  });
  peer.stdin.end(JSON.stringify(request));
  const status = new Promise<number | null>((resolve, reject) => {
    peer.on("error", reject);
    peer.on("close", resolve);
  });
  const [written, complaints, code] = await Promise.all([text(peer.stdout), text(peer.stderr), status]);
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${complaints.slice(-3000)}`);
  return JSON.parse(written);
}

/** From base64 of little-endian float32. */
function decodeFloats(base64: string): Float32Array {
  const bytes = Buffer.from(base64, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
