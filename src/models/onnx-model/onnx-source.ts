import { realpathSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Checkpoint } from "../../checkpoint/checkpoint.ts";
import type { MatrixScheme } from "../linears/operator-layout.ts";
import { storedSource, type ModelSource } from "../model-source.ts";
import { STORED_TYPES } from "./open-onnx-model.ts";
import type { StoredTensor } from "./stored-weights.ts";

/** The weights of a model that `openOnnxModel()` opened, run where they lie: nothing is read or repacked here. */
export function onnxSource({ config, tensors, quantization }: Checkpoint): ModelSource {
  const dataTypes = new Map(STORED_TYPES.map(([dataType, stored]) => [stored as string, dataType]));
  const path = realpathSync([...tensors.values()][0]!.path);
  const stored = new Map(
    [...tensors].flatMap(([name, { dataType, shape, offset, byteLength }]): [string, StoredTensor][] => {
      const type = dataTypes.get(dataType);
      const location = { file: basename(path), offset, length: byteLength };
      return type === undefined ? [] : [[name, { dataType: type, shape, location }]];
    }),
  );
  const schemes = new Map<string, MatrixScheme>(
    [...(quantization ?? [])].map(([module, { scheme, rows, columns }]) => [
      module,
      { ...scheme, rows, columns, groupSize: scheme.groupSize ?? columns },
    ]),
  );
  return storedSource({ config, folder: dirname(path), stored: { tensors: stored, schemes } });
}
