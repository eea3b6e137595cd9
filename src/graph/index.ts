export { cpuProfile, type DeviceProfile } from "./device-profile.ts";
export { gradients } from "./gradients.ts";
export { Graph } from "./graph.ts";
export { product } from "./shape.ts";
export type { Tensor } from "./tensor.ts";
export * from "./operations.ts";
