import type { ModelConfig } from "../checkpoint/model-config.ts";
import { Graph } from "../graph/graph.ts";
import { gather } from "../graph/operations.ts";
import { cachedAttention } from "./attention/cached.ts";
import { decoder } from "./decoder.ts";
import type { DecoderParts } from "./decoder-parts.ts";

/** A model as the generation loop runs it. */
export interface InferenceGraphOptions {
  readonly config: ModelConfig;
  /** Longest sequence that can run. */
  readonly positions: number;
  /** Makes the stored parts inside the new graph. */
  readonly parts: (graph: Graph) => Pick<DecoderParts, "linear" | "parameter">;
}

/**
 * The decoder with a cache, for prompts and for single steps alike.
 *
 * Inputs: `tokenIds` [batch, sequence] i64; `outputRows` [outputs] i64, indices into batch · sequence whose logits are wanted; those of
 * {@link cachedAttention}. Outputs: `best` [outputs] i64, the token of the highest logit; `logits` [outputs, vocabularySize]; the updated
 * caches.
 */
export function buildInferenceGraph({ config, positions, parts }: InferenceGraphOptions): Uint8Array {
  const graph = new Graph();
  const tokenIds = graph.input("tokenIds", "i64", ["batch", "sequence"]);
  const outputRows = graph.input("outputRows", "i64", ["outputs"]);
  const { attention, presents } = cachedAttention(graph, { config, positions });
  const { hidden, logits } = decoder(config, { tokenIds, parts: { ...parts(graph), attention } });
  const wanted = logits(gather(hidden, outputRows));
  const best = graph.emitOne(
    "ArgMax",
    [wanted],
    { dataType: "i64", shape: ["outputs"] },
    { attributes: { axis: { integer: -1 }, keepdims: { integer: 0 } } },
  );
  return graph.build({ best, logits: wanted, ...presents });
}
