/** @file One ONNX Runtime session, inside a worker thread. */
import ort from "onnxruntime-node";
import { encodeEmptySequenceOutput, typedArrays, type DataType } from "../onnx/index.ts";
import { BitmendError } from "../util/errors.ts";
import type { EngineTensor } from "./engine-tensor.ts";
import type { Feeds, Fetches, LoadOptions, PortDescription } from "./protocol.ts";

/** A session with its persistent feeds and fetches. */
export interface RuntimeSession {
  readonly inputs: Readonly<Record<string, PortDescription>>;
  readonly outputs: Readonly<Record<string, PortDescription>>;
  readonly bind: (feeds: Feeds, fetches: Fetches) => void;
  /** Fills preallocated fetches and gives the tensors of the null ones. */
  readonly run: (feeds: Feeds, fetches: Fetches) => Promise<Record<string, EngineTensor>>;
  readonly release: () => Promise<void>;
}

/** Settings that one worker has for all its sessions. */
export interface RuntimeOptions extends Omit<LoadOptions, "zeroCopyOutputs"> {
  readonly threads: number;
  readonly spinning: boolean;
  readonly zeroCopyOutputs: boolean;
}

/** First output of a zero-copy model: nothing but a value that the binding refuses to convert, before it copies any other. */
const refusedOutput = "bitmend zero copy";
const refusal = "Non tensor type is temporarily not supported";

const typePairs = [
  ["f32", "float32"],
  ["f64", "float64"],
  ["i64", "int64"],
  ["i32", "int32"],
  ["i8", "int8"],
  ["u8", "uint8"],
  ["bool", "bool"],
] as const;
const runtimeTypes = new Map<DataType, ort.Tensor.Type>(typePairs);
const dataTypes = new Map<string, DataType>(
  typePairs.map(([dataType, runtimeType]) => [runtimeType, dataType]),
);

/** Creates a session on the CPU. */
export async function createRuntimeSession(
  model: Uint8Array,
  options: RuntimeOptions,
): Promise<RuntimeSession> {
  const bytes = options.zeroCopyOutputs ? withRefusedOutput(model) : model;
  const session = await ort.InferenceSession.create(bytes, sessionOptions(options));
  let boundFeeds: Record<string, ort.Tensor> = {};
  let boundFetches: Record<string, ort.Tensor | null> = {};
  return {
    inputs: describePorts(session.inputMetadata),
    outputs: describePorts(session.outputMetadata),
    bind: (feeds, fetches) => {
      boundFeeds = { ...boundFeeds, ...mapValues(feeds, toRuntime) };
      boundFetches = { ...boundFetches, ...mapValues(fetches, toRuntimeOrNull) };
    },
    run: async (feeds, fetches) => {
      const allFeeds = { ...boundFeeds, ...mapValues(feeds, toRuntime) };
      const allFetches = { ...boundFetches, ...mapValues(fetches, toRuntimeOrNull) };
      const isZeroCopy =
        options.zeroCopyOutputs && Object.values(allFetches).every((fetch) => fetch !== null);
      if (isZeroCopy) {
        await runRefused(session, allFeeds, allFetches);
        return {};
      }
      const results = await session.run(allFeeds, allFetches);
      const created = Object.entries(results).filter(([name]) => allFetches[name] === null);
      return Object.fromEntries(created.map(([name, tensor]) => [name, fromRuntime(tensor)]));
    },
    release: async () => session.release(),
  };
}

/** True when this ONNX Runtime fills preallocated fetches and then refuses a sequence output, on which zero-copy runs rely. */
export async function supportsZeroCopy(probeModel: Uint8Array): Promise<boolean> {
  const options = { threads: 1, spinning: false, zeroCopyOutputs: true };
  const probe = await createRuntimeSession(probeModel, options);
  const input = { dataType: "f32", shape: [2], data: Float32Array.of(1, -2) } as const;
  const output = { dataType: "f32", shape: [2], data: new Float32Array(new SharedArrayBuffer(8)) } as const;
  try {
    await probe.run({ x: input }, { y: output });
    return output.data[0] === -1 && output.data[1] === 2;
  } catch {
    return false;
  } finally {
    await probe.release();
  }
}

async function runRefused(
  session: ort.InferenceSession,
  feeds: Record<string, ort.Tensor>,
  fetches: Record<string, ort.Tensor | null>,
): Promise<void> {
  try {
    await session.run(feeds, { [refusedOutput]: null, ...fetches });
  } catch (error) {
    if (!(error instanceof Error && error.message.includes(refusal))) throw error;
    return;
  }
  throw new BitmendError(
    "engine/zero-copy",
    "run(): expected ONNX Runtime to refuse a sequence output, it did not.",
  );
}

function withRefusedOutput(model: Uint8Array): Uint8Array {
  const prefix = encodeEmptySequenceOutput(refusedOutput);
  const joined = new Uint8Array(prefix.length + model.length);
  joined.set(prefix);
  joined.set(model, prefix.length);
  return joined;
}

function sessionOptions(options: RuntimeOptions): ort.InferenceSession.SessionOptions {
  const { threads, spinning, memoryPattern = false, externalDataFolder, optimization = "all" } = options;
  const folder =
    externalDataFolder === undefined
      ? {}
      : { model_external_initializers_file_folder_path: externalDataFolder };
  return {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: optimization,
    enableMemPattern: memoryPattern,
    logSeverityLevel: 4,
    extra: { session: { intra_op: { allow_spinning: spinning ? "1" : "0" }, ...folder } },
  };
}

function describePorts(
  metadata: readonly ort.InferenceSession.ValueMetadata[],
): Record<string, PortDescription> {
  return Object.fromEntries(
    metadata.flatMap((port) => {
      if (!port.isTensor) return [];
      return [[port.name, { dataType: fromRuntimeType(port.type), shape: port.shape }]];
    }),
  );
}

function toRuntimeOrNull(tensor: EngineTensor | null): ort.Tensor | null {
  return tensor === null ? null : toRuntime(tensor);
}

function toRuntime({ dataType, shape, data }: EngineTensor): ort.Tensor {
  const runtimeType = runtimeTypes.get(dataType);
  if (runtimeType === undefined) {
    throw new BitmendError("engine/bad-tensor", `run(): ${dataType} cannot cross into ONNX Runtime.`);
  }
  return new ort.Tensor(runtimeType, data, shape);
}

function fromRuntime(tensor: ort.Tensor): EngineTensor {
  const dataType = fromRuntimeType(tensor.type);
  if (Array.isArray(tensor.data))
    throw new BitmendError("engine/bad-tensor", "run(): a result holds strings.");
  const { buffer, byteOffset, byteLength } = tensor.data;
  const constructor = typedArrays[dataType];
  const data = new constructor(buffer, byteOffset, byteLength / constructor.BYTES_PER_ELEMENT);
  return { dataType, shape: tensor.dims, data };
}

function fromRuntimeType(type: string): DataType {
  const dataType = dataTypes.get(type);
  if (dataType === undefined) {
    throw new BitmendError("engine/bad-tensor", `load(): expected a supported element type, got ${type}.`);
  }
  return dataType;
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  convert: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, convert(value)]));
}
