import { EngineWorker, type EngineSession, type EngineTensor } from "../engine/index.ts";
import type { Tensor } from "../graph/index.ts";
import {
  packSequences,
  type BatchShape,
  type PackingOptions,
  type SequenceBatch,
  type TrainingSequence,
} from "./batches.ts";
import { declaredOnly, parameterFeeds } from "./parameters.ts";
import { openSequenceGraph, sequenceMicroBatch, type SequenceGraph } from "./sequence-graph.ts";
import type { TrainableModel, TrainableParts } from "./trainable-model.ts";

/** A computation without gradients over sequence batches of any shape. */
export interface ForwardComputation {
  /** Its parameters are read at every run, so that the values of the moment count. */
  readonly model: TrainableModel;
  /** Makes the outputs of the graph of one shape, each [sequences · length] or [sequences]. */
  readonly outputs: (sequences: SequenceGraph, parts: TrainableParts) => Readonly<Record<string, Tensor>>;
}

/** Runs one forward computation on one engine, with a session for each batch shape. */
export class ForwardSessions implements AsyncDisposable {
  readonly #computation: ForwardComputation;
  readonly #engine: EngineWorker;
  readonly #sessions = new Map<string, EngineSession>();

  private constructor(computation: ForwardComputation, engine: EngineWorker) {
    this.#computation = computation;
    this.#engine = engine;
  }

  static async start(computation: ForwardComputation, { threads = 1 } = {}): Promise<ForwardSessions> {
    return new ForwardSessions(computation, await EngineWorker.start({ threads, spinning: false }));
  }

  /**
   * Packs `sequences` and runs them.
   *
   * @yields each batch with its outputs
   */
  async *run(
    sequences: readonly TrainingSequence[],
    packing: PackingOptions = {},
  ): AsyncGenerator<{ batch: SequenceBatch; outputs: Readonly<Record<string, EngineTensor>> }, void, void> {
    for (const batch of packSequences(sequences, packing)) {
      const key = `${batch.shape.sequences}x${batch.shape.length}`;
      let session = this.#sessions.get(key);
      if (session === undefined) {
        // oxlint-disable-next-line eslint/no-await-in-loop -- one engine
        session = await this.#open(batch.shape);
        this.#sessions.set(key, session);
      }
      const { feeds } = sequenceMicroBatch(batch);
      // oxlint-disable-next-line eslint/no-await-in-loop -- one engine
      const outputs = await session.run(declaredOnly(feeds, session.inputs));
      yield { batch, outputs };
    }
  }

  async #open(shape: BatchShape): Promise<EngineSession> {
    const { model, outputs } = this.#computation;
    const sequences = openSequenceGraph(model.config, shape);
    const bytes = sequences.graph.build(outputs(sequences, model.parts(sequences.graph)));
    const session = await this.#engine.load(bytes, { memoryPattern: false });
    const feeds = { ...model.frozen, ...parameterFeeds(model.parameters) };
    session.bind(declaredOnly(feeds, session.inputs));
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#engine[Symbol.asyncDispose]();
  }
}
