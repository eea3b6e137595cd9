export type { Attribute, DataType, Domain, ExternalLocation, TypedArray } from "../onnx/index.ts";
export { bytesPerElement, toTypedArray, typedArrays } from "../onnx/index.ts";
export { cpuProfile, elementaryProfile, type DeviceProfile } from "./device-profile.ts";
export { gradients } from "./gradients.ts";
export { Graph, type BlockGradient, type EmitOptions, type GraphOptions, type OutputType } from "./graph.ts";
export { formatShape, product, sameShape, type Dim, type Shape } from "./shape.ts";
export type { Backward, Tensor } from "./tensor.ts";
export * from "./operations.ts";
