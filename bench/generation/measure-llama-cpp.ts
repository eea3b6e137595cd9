/**
 * @file Child process: decode speed of llama.cpp through node-llama-cpp. Arguments: folder of the package, model file, threads, steps,
 * batch sizes. Prints one JSON object.
 */
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import { rateOf, type Rate } from "./rate.ts";
import { PROMPT_TOKENS, subjectPrompts } from "./subject.ts";

/** The part of node-llama-cpp that is used here. */
interface NodeLlamaCpp {
  readonly getLlama: (options: object) => Promise<Llama>;
}
interface Llama {
  readonly loadModel: (options: object) => Promise<LlamaModel>;
  readonly dispose: () => Promise<void>;
}
interface LlamaModel {
  readonly createContext: (options: object) => Promise<LlamaContext>;
}
interface LlamaContext {
  readonly getSequence: () => LlamaSequence;
  readonly dispose: () => Promise<void>;
}
interface LlamaSequence {
  readonly evaluate: (tokens: readonly number[], options: object) => AsyncGenerator<number>;
}

const [folder, file, ...numbers] = process.argv.slice(2);
const [threads, steps, ...batches] = numbers.map(Number);
const entry = join(folder!, "node_modules/node-llama-cpp/dist/index.js");
const { getLlama }: NodeLlamaCpp = await import(pathToFileURL(entry).href);
const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: "error" });
const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
const rates: Record<string, Rate> = {};
let firstTokens: number[] = [];
for (const batch of batches) {
  // oxlint-disable-next-line eslint/no-await-in-loop -- one measurement at a time
  const context = await model.createContext({
    sequences: batch,
    contextSize: PROMPT_TOKENS + steps! + 8,
    batchSize: Math.max(batch, PROMPT_TOKENS),
    threads: { ideal: threads, min: threads },
  });
  // oxlint-disable-next-line eslint/no-await-in-loop -- one measurement at a time
  const { tokens, seconds } = await measure(context, batch);
  rates[batch] = rateOf(batch, seconds);
  if (tokens.length > firstTokens.length) firstTokens = tokens;
  // oxlint-disable-next-line eslint/no-await-in-loop -- one measurement at a time
  await context.dispose();
}
const peakMegabytes = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ rates, firstTokens, peakMegabytes }));
await llama.dispose();

/** All sequences run at once, which node-llama-cpp batches; a step counts when every sequence has its token. */
async function measure(
  context: LlamaContext,
  batch: number,
): Promise<{ tokens: number[]; seconds: number[] }> {
  const streams = subjectPrompts(batch).map((prompt) =>
    context.getSequence().evaluate(prompt, { temperature: 0, yieldEogToken: true }),
  );
  const next = async (): Promise<number[]> =>
    Promise.all(streams.map(async (stream) => Number((await stream.next()).value)));
  const tokens = await next();
  const seconds: number[] = [];
  for (let step = 0; step < steps!; step++) {
    const started = performance.now();
    // oxlint-disable-next-line eslint/no-await-in-loop -- every step depends on the one before
    await next();
    seconds.push((performance.now() - started) / 1000);
  }
  return { tokens, seconds };
}
