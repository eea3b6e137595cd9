import type { Tensor } from "../../graph/tensor.ts";
import { gemm } from "../../graph/operations.ts";
import type { Linear, DecoderParts } from "../decoder-parts.ts";

/** A linear over full weights [out, in] as Hugging Face stores them; the tied head reads the embedding table. */
export function dense(parameter: DecoderParts["parameter"]): Linear {
  return (input: Tensor, { name, outFeatures, inFeatures }) =>
    gemm(input, parameter(`${name}.weight`, [outFeatures, inFeatures]), { transposeB: true });
}
