import { availableParallelism } from "node:os";
import { basename } from "node:path";
import type { ModelConfig } from "../checkpoint/model-config.ts";
import { loadLanguageModel } from "../generation/language-model.ts";
import { isLoopback, startServer } from "../serving/start-server.ts";
import { BitmendError } from "../util/errors.ts";
import type { VerbRun } from "./events.ts";
import { resolveModel } from "./resolve-model.ts";

export interface ServeOptions {
  /** A model directory, full or low-bit, a hub id, or the name of a model that ships with bitmend. */
  readonly model: string;
  /** As clients name the model. Default: the hub id, or the directory's name. */
  readonly name?: string | undefined;
  /** Default: 127.0.0.1, which only programs of this machine reach. */
  readonly host?: string | undefined;
  /** Default: 8000; 0 takes a free one. */
  readonly port?: number | undefined;
  /** What clients must send as a bearer token. Default: nothing. */
  readonly apiKey?: string | undefined;
  /** Serve other machines although no key is asked for. */
  readonly allowsAnyone?: boolean;
  /** Longest sequence, prompt and answer together. Default: what the model takes, at most 4,096. */
  readonly context?: number | undefined;
  /** Completions that run at the same time. Default: 32, or as many as 4 GiB of cache hold. */
  readonly slots?: number | undefined;
  /** Completions that wait for a slot; more are refused with 429. Default: 256. */
  readonly queue?: number | undefined;
  /** Longest body of a request. Default: 8. */
  readonly bodyMegabytes?: number | undefined;
  /** How long running requests may go on after the end was asked for. Default: 10. */
  readonly graceSeconds?: number | undefined;
  /** Multiply low-bit weights with activations rounded to 8 bits: faster, but an answer may depend on what runs beside it. Default: false. */
  readonly roundsActivations?: boolean;
  /** Default: all. */
  readonly threads?: number | undefined;
}

export interface ServeResult {
  readonly url: string;
  readonly model: string;
}

const USUAL_SLOTS = 32;
const USUAL_CACHE_BYTES = 4 * 2 ** 30;

/**
 * Serves a model in OpenAI's protocol until the signal ends it.
 *
 * @yields Where it listens.
 * @throws {BitmendError} `verbs/bad-options`, `verbs/public-without-key`, those of `resolveModel()`, `loadLanguageModel()` and `startServer()`.
 */
export async function* serve(
  options: ServeOptions,
  { signal }: { readonly signal?: AbortSignal } = {},
): VerbRun<ServeResult> {
  const {
    threads = availableParallelism(),
    host = "127.0.0.1",
    port = 8000,
    apiKey = null,
    queue: maxWaiting = 256,
    bodyMegabytes = 8,
    graceSeconds = 10,
  } = options;
  refuse(options, host);
  const directory = yield* resolveModel(options.model, { signal });
  yield { type: "stage", name: `Loading ${options.model}` };
  const { context } = options;
  await using model = await loadLanguageModel(directory, {
    threads,
    accuracyLevel: options.roundsActivations === true ? 4 : 0,
    ...(context === undefined ? {} : { positions: context }),
  });
  signal?.throwIfAborted();
  const modelName =
    options.name ?? (/^[\w.-]+\/[\w.-]+$/u.test(options.model) ? options.model : basename(options.model));
  const capacity = model.positions;
  const slots = options.slots ?? usualSlots(model.config, capacity);
  const server = await startServer(model, {
    modelName,
    host,
    port,
    apiKey,
    slots,
    capacity,
    maxWaiting,
    maxBodyBytes: bodyMegabytes * 2 ** 20,
  });
  try {
    yield { type: "stage-done", result: "" };
    const room = `${server.slots} at a time, ${capacity} tokens each`;
    yield { type: "remark", text: `Serving ${modelName} at ${server.url} (${room}). Ctrl-C ends it.` };
    await Promise.race([aborted(signal), server.failed]);
  } finally {
    await server.close(graceSeconds * 1000);
  }
  return { url: server.url, model: directory };
}

function usualSlots({ layerCount, keyValueHeadCount, headDimension }: ModelConfig, capacity: number): number {
  const bytes = 2 * 4 * layerCount * keyValueHeadCount * headDimension * capacity;
  return Math.max(1, Math.min(USUAL_SLOTS, 2 ** Math.floor(Math.log2(USUAL_CACHE_BYTES / bytes))));
}

async function aborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return;
  await new Promise<void>((resolve) => {
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}

function refuse(options: ServeOptions, host: string): void {
  const { context = 2, slots = 1, queue = 0, bodyMegabytes = 1, graceSeconds = 0, port = 0 } = options;
  const offenders = [
    ...(context >= 2 ? [] : [`context=${context}`]),
    ...(slots >= 1 && slots <= 4096 ? [] : [`slots=${slots}`]),
    ...(queue >= 0 && queue <= 65_536 ? [] : [`queue=${queue}`]),
    ...(bodyMegabytes >= 1 && bodyMegabytes <= 1024 ? [] : [`bodyMegabytes=${bodyMegabytes}`]),
    ...(graceSeconds >= 0 && graceSeconds <= 3600 ? [] : [`graceSeconds=${graceSeconds}`]),
    ...(port >= 0 && port <= 65_535 ? [] : [`port=${port}`]),
  ];
  if (offenders.length > 0) {
    throw new BitmendError(
      "verbs/bad-options",
      `serve(): expected settings in their range, got ${offenders.join(", ")}.`,
    );
  }
  if (options.apiKey !== undefined || options.allowsAnyone === true || isLoopback(host)) return;
  throw new BitmendError(
    "verbs/public-without-key",
    `serve(): expected an API key for ${host}, which other machines reach, got none.`,
    { hint: "Set BITMEND_API_KEY, or pass --no-key if anyone may use it." },
  );
}
