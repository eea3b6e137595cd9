import { EngineWorker } from "../engine/index.ts";
import { NextTokenDivergence, readOutputHead } from "./next-token-divergence.ts";
import { TextForward, type MeasuredSequence, type WeightSource } from "./text-forward.ts";

/**
 * KL(original ‖ changed) of the next token, nats, mean over the tokens of `sequences` that count; weights are streamed layer by layer.
 *
 * Low-bit weights count as the numbers they stand for; activations that a low-bit model rounds (W8A8) are not rounded here.
 */
export async function modelDivergence(
  original: WeightSource,
  changed: WeightSource,
  { sequences, threads }: { readonly sequences: readonly MeasuredSequence[]; readonly threads: number },
): Promise<number> {
  await using worker = await EngineWorker.start({ threads, spinning: false });
  const forward = await TextForward.start(worker, original, sequences);
  const divergence = await NextTokenDivergence.start(worker, original);
  const streams = { original: forward.embed(original), changed: [forward.embed(changed)] };
  await forward.finish(streams.original, original);
  await forward.finish(streams.changed[0]!, changed);
  const heads = { original: readOutputHead(original), changed: readOutputHead(changed) };
  const [mean] = await divergence.measure(forward.batches, streams, heads);
  return mean!;
}
