import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import type { ModelConfig } from "../checkpoint/model-config.ts";
import { EngineWorker } from "../engine/index.ts";
import type { Graph } from "../graph/graph.ts";
import type { Tensor } from "../graph/tensor.ts";
import { BitmendError } from "../util/errors.ts";
import { CachedDecoder, type DecoderOptions, type InferenceSession } from "./cached-decoder.ts";
import type { DecoderParts, Linear } from "./decoder-parts.ts";
import { buildInferenceGraph } from "./inference-graph.ts";
import type { LinearSite } from "./linear-sites.ts";
import { dense } from "./linears/dense.ts";
import { lora, type LoraFactors } from "./linears/lora.ts";
import { nBit } from "./linears/n-bit.ts";
import { checkpointSource, type ModelSource } from "./model-source.ts";
import { onnxSource } from "./onnx-model/onnx-source.ts";
import { isOnnxDirectory } from "./onnx-model/open-onnx-model.ts";
import { storedLinear } from "./onnx-model/stored-weights.ts";
import { openModel } from "./open-model.ts";
import { spillWeights } from "./spill-weights.ts";
import { WeightTally } from "./weight-tally.ts";
import type { SlotDecoder } from "./slot-decoder.ts";

/** A model that can run, until it is disposed of. */
export interface Model extends AsyncDisposable {
  readonly config: ModelConfig;
  /** Longest sequence that can run. */
  readonly positions: number;
  /** Bytes of the weights as the engine computes with them, over all workers; caches and working memory not counted. */
  readonly weightBytes: number;
  readonly workers: number;
  /** Decoders, one a worker, that share the slots out among them; they may run at the same time. */
  readonly openDecoders: (options: DecoderOptions) => SlotDecoder[];
}

/** One low-rank update in memory. */
interface LoraAdapter {
  readonly rank: number;
  /** "A", [rank, inFeatures]. */
  readonly down: Float32Array;
  /** "B", [outFeatures, rank]. */
  readonly up: Float32Array;
}

/** Low-rank updates by module name, and what multiplies them. */
export interface LoraAdapters {
  readonly scaling: number;
  readonly modules: ReadonlyMap<string, LoraAdapter>;
}

/** How a model runs. */
export interface ModelOptions {
  /** CPU threads that compute. */
  readonly threads: number;
  /**
   * Workers with a copy of the weights each, which the threads are shared out among. Default: one a thread for models below 64 MiB, whose
   * steps are too short to be split well, and one for larger models.
   */
  readonly workers?: number;
  /** Longest sequence. Default: what the model was made for, at most 4,096: rotary tables are kept in memory. */
  readonly positions?: number;
  /** See {@link NBitOptions}; 4 gives up that results do not depend on company. Default: 0. */
  readonly accuracyLevel?: 0 | 4;
  readonly adapters?: LoraAdapters;
}

const SMALL_MODEL_BYTES = 64 * 2 ** 20;
const DEFAULT_POSITIONS = 4096;

/** The limit of protocol buffers; weights that stay in their files do not count. */
const MAX_MODEL_BYTES = 2 ** 31 - 1;

/** So many low-bit weights fit a message even where they must be widened to float32; those of larger models go through a file. */
const MOST_IN_MESSAGE = 2 ** 28;

/**
 * Makes the model of a directory ready to run, full or low-bit (compressed-tensors).
 *
 * @throws {BitmendError} `models/bad-options`, and those of `openModel()` and the engine.
 */
export async function loadModel(directory: string, options: ModelOptions): Promise<Model> {
  const checkpoint = openModel(directory);
  if (isOnnxDirectory(directory)) return startModel(onnxSource(checkpoint), options);
  if (lowBitWeights(checkpoint) <= MOST_IN_MESSAGE) return startModel(checkpointSource(checkpoint), options);
  // Once the engine has mapped the file, its name is not needed any more.
  using spilled = await spillWeights(checkpoint);
  return await startModel(spilled.source, options);
}

/** How many weights travel inside the model's message. */
function lowBitWeights({ quantization }: Checkpoint): number {
  return [...(quantization?.values() ?? [])].reduce((sum, { rows, columns }) => sum + rows * columns, 0);
}

/** Makes a model from any source of weights ready to run. */
export async function startModel(source: ModelSource, options: ModelOptions): Promise<Model> {
  const { config, externalDataFolder } = source;
  const {
    threads,
    positions = Math.min(config.maxPositions, DEFAULT_POSITIONS),
    accuracyLevel = 0,
  } = options;
  validate({ threads, workers: options.workers ?? 1, positions });
  const weights = new WeightTally(source);
  const model = inSharedMemory(
    buildInferenceGraph({ config, positions, parts: (graph) => storedParts(graph, weights.source, options) }),
  );
  const workers = Math.min(options.workers ?? (weights.bytes < SMALL_MODEL_BYTES ? threads : 1), threads);
  // Which steps have rows with the same bits in any company was measured for the pinned engine and is tested (test/invariant).
  const minRows = accuracyLevel === 0 && weights.hasFloatProducts ? 2 : 1;
  const started = await Promise.all(
    Array.from({ length: workers }, async () =>
      EngineWorker.start({ threads: Math.floor(threads / workers) }),
    ),
  );
  const dispose = async (): Promise<void> => {
    await Promise.all(started.map(async (worker) => worker[Symbol.asyncDispose]()));
  };
  try {
    const folder = externalDataFolder === null ? {} : { externalDataFolder };
    const sessions = await Promise.all(
      started.map(async (worker): Promise<InferenceSession> => {
        const session = await worker.load(model, { zeroCopyOutputs: true, ...folder });
        return { session, config, minRows, boundTo: null };
      }),
    );
    return {
      config,
      positions,
      weightBytes: weights.bytes * workers,
      workers,
      openDecoders: ({ slots, ...rest }) => {
        const used = sessions.slice(0, slots);
        return used.map(
          (session) => new CachedDecoder(session, { slots: Math.ceil(slots / used.length), ...rest }),
        );
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The parts of a decoder whose weights are where `source` has them. */
export function storedParts(
  graph: Graph,
  source: ModelSource,
  { accuracyLevel = 0, adapters }: Pick<ModelOptions, "accuracyLevel" | "adapters"> = {},
): Pick<DecoderParts, "linear" | "parameter"> {
  const known = new Map<string, Tensor>();
  const parameter: DecoderParts["parameter"] = (name, shape) => {
    const tensor = known.get(name) ?? source.parameter(graph, name, shape);
    known.set(name, tensor);
    return tensor;
  };
  const inMemory = nBit(({ name }) => source.quantized(name), dense(parameter), { accuracyLevel });
  const { stored } = source;
  const base = stored === undefined ? inMemory : storedLinear(stored, inMemory, { accuracyLevel });
  return { parameter, linear: adapters === undefined ? base : adapted(graph, base, adapters) };
}

function adapted(graph: Graph, base: Linear, { scaling, modules }: LoraAdapters): Linear {
  const factors = ({ name, inFeatures, outFeatures }: LinearSite): LoraFactors | null => {
    const adapter = modules.get(name);
    if (adapter === undefined) return null;
    return {
      down: graph.constant("f32", [adapter.rank, inFeatures], adapter.down),
      up: graph.constant("f32", [outFeatures, adapter.rank], adapter.up),
    };
  };
  return lora({ base, factors, scaling });
}

function validate(options: { threads: number; workers: number; positions: number }): void {
  const offenders = Object.entries(options).filter(([, value]) => !Number.isInteger(value) || value < 1);
  if (offenders.length === 0) return;
  const shown = offenders.map(([name, value]) => `${name}=${value}`).join(", ");
  throw new BitmendError("models/bad-options", `loadModel(): expected positive integers, got ${shown}.`);
}

/** So that every worker reads the same bytes. */
function inSharedMemory(bytes: Uint8Array): Uint8Array {
  if (bytes.length > MAX_MODEL_BYTES) {
    throw new BitmendError(
      "models/too-large",
      `loadModel(): expected at most ${MAX_MODEL_BYTES} bytes of low-bit weights, which travel inside the ONNX message, got ${bytes.length}.`,
    );
  }
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}
