import { EngineWorker } from "../src/engine/index.ts";
import { Graph } from "../src/graph/graph.ts";
import { fullSequenceAttention } from "../src/models/attention/full-sequence.ts";
import { decoder } from "../src/models/decoder.ts";
import { storedParts } from "../src/models/model.ts";
import type { ModelSource } from "../src/models/model-source.ts";

/** Logits [tokens, vocabularySize] of one sequence by the form of the decoder that training differentiates. */
export async function fullSequenceLogits(
  source: ModelSource,
  tokenIds: readonly number[],
): Promise<Float32Array> {
  const graph = new Graph();
  const { config, externalDataFolder } = source;
  const shape = [1, tokenIds.length];
  const attention = fullSequenceAttention(graph, { config, batch: 1, sequence: tokenIds.length });
  const { hidden, logits } = decoder(config, {
    tokenIds: graph.input("tokenIds", "i64", shape),
    parts: { ...storedParts(graph, source), attention },
  });
  await using worker = await EngineWorker.start({ threads: 1 });
  const session = await worker.load(
    graph.build({ logits: logits(hidden) }),
    externalDataFolder === null ? {} : { externalDataFolder },
  );
  const outputs = await session.run({
    tokenIds: { dataType: "i64", shape, data: BigInt64Array.from(tokenIds, BigInt) },
  });
  return outputs["logits"]!.data as Float32Array;
}
