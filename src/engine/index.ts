export type { EngineSession } from "./engine-session.ts";
export { copyElements, elementCount, sharedTensor, toShared, type EngineTensor } from "./engine-tensor.ts";
export { EngineWorker, type EngineWorkerOptions } from "./engine-worker.ts";
export type { Feeds, Fetches, LoadOptions, PortDescription } from "./protocol.ts";
