/**
 * @file How far a changed model's next-token distributions are from the original's: KL(original ‖ changed), in nats, mean over the tokens
 * that count.
 *
 * Logits are float32 as the engine computes them; their softmax and the sum over the vocabulary are float64, so that divergences of 1e-8
 * are no rounding noise: an error ε of a logit enters only as ε².
 */
import type { EngineSession, EngineWorker } from "../engine/index.ts";
import { Graph } from "../graph/graph.ts";
import { cast, exp, gemm, logSoftmax, multiply, reduceSum, rmsNorm, subtract } from "../graph/operations.ts";
import type { Tensor } from "../graph/tensor.ts";
import { headSite } from "../models/linear-sites.ts";
import { sharedFloats, type SharedFloats } from "./layer-parameters.ts";
import type { HiddenStream, MeasuredSequence, WeightSource } from "./text-forward.ts";

/** What turns the last hidden states into logits. */
export interface OutputHead {
  /** [hiddenSize], the final norm's gain. */
  readonly norm: SharedFloats;
  /** [vocabularySize, hiddenSize]. */
  readonly head: SharedFloats;
}

/** Elements of a [rows, vocabularySize] matrix at once; several of these in float64 are the memory this takes. */
const largestProbabilities = 2 ** 22;

/** Compares final hidden states of one text. */
export class NextTokenDivergence {
  readonly #hiddenSize: number;
  readonly #rowsAtOnce: number;
  readonly #reference: EngineSession;
  readonly #divergence: EngineSession;

  private constructor({ config }: WeightSource, sessions: readonly [EngineSession, EngineSession]) {
    this.#hiddenSize = config.hiddenSize;
    this.#rowsAtOnce = Math.max(1, Math.floor(largestProbabilities / config.vocabularySize));
    [this.#reference, this.#divergence] = sessions;
  }

  /** Loads the graphs into `worker`. */
  static async start(worker: EngineWorker, source: WeightSource): Promise<NextTokenDivergence> {
    const [reference, divergence] = buildDivergence(source);
    return new NextTokenDivergence(source, [await worker.load(reference), await worker.load(divergence)]);
  }

  /**
   * The mean divergence of each of `changed` from `original`, all final hidden states of the same batches of text.
   *
   * `heads` are the original's and the changed ones'.
   */
  async measure(
    batches: readonly (readonly MeasuredSequence[])[],
    { original, changed }: { original: HiddenStream; changed: readonly HiddenStream[] },
    heads: { original: OutputHead; changed: OutputHead },
  ): Promise<number[]> {
    const sums = changed.map(() => 0);
    let tokens = 0;
    for (const [batch, sequences] of batches.entries()) {
      const rows = countedRows(sequences);
      tokens += rows.length;
      for (let first = 0; first < rows.length; first += this.#rowsAtOnce) {
        const chunk = rows.slice(first, first + this.#rowsAtOnce);
        const states = (stream: HiddenStream): SharedFloats => this.#pick(stream[batch]!, chunk);
        /* oxlint-disable eslint/no-await-in-loop -- one engine, one run at a time */
        const feeds = { hidden: states(original), ...heads.original };
        const { logProbabilities } = await this.#reference.run(feeds);
        for (const [index, stream] of changed.entries()) {
          const hidden = states(stream);
          const result = await this.#divergence.run({
            hidden,
            reference: logProbabilities!,
            ...heads.changed,
          });
          sums[index] = sums[index]! + Number(result["divergence"]!.data[0]);
        }
        /* oxlint-enable eslint/no-await-in-loop */
      }
    }
    return sums.map((sum) => sum / tokens);
  }

  #pick(hidden: SharedFloats, rows: readonly number[]): SharedFloats {
    const size = this.#hiddenSize;
    const picked = sharedFloats([rows.length, size]);
    for (const [index, row] of rows.entries())
      picked.data.set(hidden.data.subarray(row * size, (row + 1) * size), index * size);
    return picked;
  }
}

/** Reads the final norm and the head, which with tied embeddings is the embedding table. */
export function readOutputHead({ config, readFloat32 }: WeightSource): OutputHead {
  const { hiddenSize, vocabularySize } = config;
  return {
    norm: sharedFloats([hiddenSize], readFloat32("model.norm.weight")),
    head: sharedFloats([vocabularySize, hiddenSize], readFloat32(`${headSite(config).name}.weight`)),
  };
}

/** Indices into batch · sequence of the tokens that count. */
function countedRows(sequences: readonly MeasuredSequence[]): number[] {
  const { length } = sequences[0]!.tokenIds;
  return sequences.flatMap(({ counted }, row) =>
    counted.flatMap((counts, position) => (counts ? [row * length + position] : [])),
  );
}

/** Two models: hidden states to `logProbabilities` [rows, vocabularySize], and those with other hidden states to the sum of divergences. */
function buildDivergence({ config }: WeightSource): readonly [Uint8Array, Uint8Array] {
  const { hiddenSize, vocabularySize, rmsNormEpsilon: epsilon } = config;
  const logProbabilitiesIn = (graph: Graph): Tensor => {
    const hidden = graph.input("hidden", "f32", ["rows", hiddenSize]);
    const norm = graph.input("norm", "f32", [hiddenSize]);
    const head = graph.input("head", "f32", [vocabularySize, hiddenSize]);
    return logSoftmax(cast(gemm(rmsNorm(hidden, norm, { epsilon }), head, { transposeB: true }), "f64"));
  };
  const referenceGraph = new Graph();
  const divergenceGraph = new Graph();
  const reference = divergenceGraph.input("reference", "f64", ["rows", vocabularySize]);
  const changed = logProbabilitiesIn(divergenceGraph);
  const divergence = reduceSum(multiply(exp(reference), subtract(reference, changed)));
  return [
    referenceGraph.build({ logProbabilities: logProbabilitiesIn(referenceGraph) }),
    divergenceGraph.build({ divergence }),
  ];
}
