import { openCheckpoint, type Checkpoint } from "../checkpoint/checkpoint.ts";
import { ggufFileAt } from "../checkpoint/formats/gguf/find-gguf.ts";
import { openGguf } from "../checkpoint/formats/gguf/open-gguf.ts";
import { isOnnxDirectory, openOnnxModel } from "./onnx-model/open-onnx-model.ts";

/**
 * Opens a model in any format that bitmend reads: the one place that tells them apart by what lies at `path`.
 *
 * @throws {BitmendError} those of the format's reader.
 */
export function openModel(path: string): Checkpoint {
  const gguf = ggufFileAt(path);
  if (gguf !== null) return openGguf(gguf);
  return isOnnxDirectory(path) ? openOnnxModel(path) : openCheckpoint(path);
}
