/** @file Child process: decode speed of bitmend. Arguments: layers, threads, accuracy level, steps, batch sizes. Prints one JSON object. */
import { performance } from "node:perf_hooks";
import { startModel } from "../../src/models/model.ts";
import type { SlotDecoder } from "../../src/models/slot-decoder.ts";
import { rateOf, type Rate } from "./rate.ts";
import { PROMPT_TOKENS, subjectConfig, subjectPrompts, subjectSource } from "./subject.ts";

const [layers, threads, accuracyLevel, steps, ...batches] = process.argv.slice(2).map(Number);
const config = subjectConfig(layers!);
await using model = await startModel(subjectSource(config), {
  threads: threads!,
  workers: 1,
  positions: PROMPT_TOKENS + steps!,
  accuracyLevel: accuracyLevel === 4 ? 4 : 0,
});
const rates: Record<string, Rate> = {};
let firstTokens: number[] = [];
for (const batch of batches) {
  const capacity = PROMPT_TOKENS + steps!;
  const [decoder] = model.openDecoders({ slots: batch, capacity, wantsLogits: false });
  // oxlint-disable-next-line eslint/no-await-in-loop -- one measurement at a time
  const tokens = await prefill(decoder!, batch);
  if (tokens.length > firstTokens.length) firstTokens = tokens;
  // oxlint-disable-next-line eslint/no-await-in-loop -- one measurement at a time
  rates[batch] = rateOf(batch, await stepSeconds(decoder!, tokens));
}
const peakMegabytes = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ rates, firstTokens, peakMegabytes }));

async function prefill(decoder: SlotDecoder, batch: number): Promise<number[]> {
  const tokens: number[] = [];
  for (const [slot, prompt] of subjectPrompts(batch).entries()) {
    // oxlint-disable-next-line eslint/no-await-in-loop -- a decoder takes one call at a time
    tokens.push((await decoder.prefill(slot, prompt)).best);
  }
  return tokens;
}

async function stepSeconds(decoder: SlotDecoder, firstOnes: readonly number[]): Promise<number[]> {
  const seconds: number[] = [];
  let tokens = firstOnes;
  for (let step = 0; step < steps!; step++) {
    const started = performance.now();
    // oxlint-disable-next-line eslint/no-await-in-loop -- every step depends on the one before
    const next = await decoder.step(tokens.map((tokenId) => ({ tokenId, position: PROMPT_TOKENS + step })));
    seconds.push((performance.now() - started) / 1000);
    tokens = next.slice(0, tokens.length).map(({ best }) => best);
  }
  return seconds;
}
