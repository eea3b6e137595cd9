export {
  bytesPerElement,
  onnxDataTypes,
  toTypedArray,
  typedArrays,
  type DataType,
  type TypedArray,
} from "./data-type.ts";
export {
  encodeEmptySequenceOutput,
  encodeModel,
  type Attribute,
  type Domain,
  type ExternalLocation,
  type NodeDescription,
  type TensorContent,
} from "./model.ts";
export { readOnnxModel, type ExternalTensor } from "./read-model.ts";
