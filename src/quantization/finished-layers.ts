import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { readPackedMatrix } from "../checkpoint/formats/compressed-tensors.ts";
import type { QuantizationScheme } from "../checkpoint/formats/quantization-config.ts";
import type { QuantizedMatrix } from "../checkpoint/quantized-matrix.ts";
import { readSafetensorsHeader } from "../checkpoint/safetensors.ts";
import { layerSites } from "../models/linear-sites.ts";

/** Reads the quantized linears of a finished layer, by module name, from the shards of a directory that is not finished yet. */
export function readFinishedLayer(
  directory: string,
  { config }: Pick<Checkpoint, "config">,
  { layer, scheme }: { layer: number; scheme: QuantizationScheme },
): ReadonlyMap<string, QuantizedMatrix> {
  const shards = readdirSync(directory).filter((name) => name.endsWith(".safetensors"));
  const tensors = new Map(
    shards.flatMap((name) => [...readSafetensorsHeader(join(directory, name)).tensors]),
  );
  return new Map(
    Object.values(layerSites(config, layer)).map(({ name, outFeatures, inFeatures }) => [
      name,
      readPackedMatrix({
        name,
        scheme,
        rows: outFeatures,
        columns: inFeatures,
        packed: tensors.get(`${name}.weight_packed`)!,
        scale: tensors.get(`${name}.weight_scale`)!,
        zeroPoint: tensors.get(`${name}.weight_zero_point`) ?? null,
      }),
    ]),
  );
}
