export type { EngineSession } from "./engine-session.ts";
export { elementCount, sharedTensor, toShared, type EngineTensor } from "./engine-tensor.ts";
export { EngineWorker } from "./engine-worker.ts";
