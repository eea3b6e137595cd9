/**
 * @file Data parallelism with one result: micro-batches run on any number of single-threaded engine workers, and their gradients
 * are added in micro-batch order, so that the sum is the same bit for bit whatever the number of workers.
 */
import { EngineWorker, type EngineSession, type EngineTensor } from "../engine/index.ts";
import type { BatchShape } from "./batches.ts";
import { declaredOnly, parameterFeeds, segmentOf, sharedFloats, type FlatParameters } from "./parameters.ts";

/** A graph that computes loss and gradients of one micro-batch. */
export interface GradientGraph {
  /**
   * Inputs: the parameters by their names, frozen ones and the batch's feeds. Outputs: `loss` [], a `gradient/<name>` for each
   * parameter, and a scalar `metric/<name>` for each of `metrics`. Loss and metrics of a step are sums over its micro-batches.
   */
  readonly model: Uint8Array;
  /** Inputs that never change. */
  readonly frozen?: Readonly<Record<string, EngineTensor>>;
  readonly metrics?: readonly string[];
}

/** One forward and backward pass of an optimizer step. */
export interface MicroBatch {
  /** Batches of one shape share a graph. */
  readonly shape: BatchShape;
  readonly feeds: Readonly<Record<string, EngineTensor>>;
  /** Tokens, padding not counted. */
  readonly tokens: number;
}

/** Sums over the micro-batches of one optimizer step. */
export interface StepGradient {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Laid out like the parameters; overwritten by the next call. */
  readonly gradient: Float32Array;
}

export interface GradientWorkersOptions {
  readonly workers: number;
  readonly parameters: FlatParameters;
  /** Inputs of every graph that never change. */
  readonly frozen?: Readonly<Record<string, EngineTensor>>;
  /** Makes the graph of a shape when its first batch arrives. */
  readonly graphFor: (shape: BatchShape) => GradientGraph;
}

/** What one worker thread keeps: its engine, a session for each shape, and one gradient that all its sessions write. */
interface Lane {
  readonly engine: EngineWorker;
  readonly sessions: Map<string, Promise<EngineSession>>;
  readonly gradient: Float32Array;
}

interface BatchResult {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export class GradientWorkers implements AsyncDisposable {
  readonly #options: GradientWorkersOptions;
  readonly #lanes: readonly Lane[];
  readonly #graphs = new Map<string, GradientGraph>();
  readonly #total: Float32Array;

  private constructor(options: GradientWorkersOptions, lanes: readonly Lane[]) {
    this.#options = options;
    this.#lanes = lanes;
    this.#total = new Float32Array(options.parameters.values.length);
  }

  static async start(options: GradientWorkersOptions): Promise<GradientWorkers> {
    const lanes = await Promise.all(
      Array.from({ length: options.workers }, async () => ({
        engine: await EngineWorker.start({ threads: 1, spinning: false }),
        sessions: new Map<string, Promise<EngineSession>>(),
        gradient: sharedFloats(options.parameters.values.length),
      })),
    );
    return new GradientWorkers(options, lanes);
  }

  /** Runs `batches` on the workers and adds up their losses, metrics and gradients in the order given. */
  async accumulate(batches: readonly MicroBatch[]): Promise<StepGradient> {
    this.#total.fill(0);
    const results: BatchResult[] = [];
    const waiting = new Map<number, Float32Array>();
    let nextBatch = 0;
    let nextToAdd = 0;
    const finish = (index: number, gradient: Float32Array): void => {
      if (index !== nextToAdd) {
        waiting.set(index, gradient.slice());
        return;
      }
      for (let due: Float32Array | undefined = gradient; due !== undefined; due = waiting.get(nextToAdd)) {
        addInto(this.#total, due);
        waiting.delete(nextToAdd);
        nextToAdd += 1;
      }
    };
    const work = async (lane: Lane): Promise<void> => {
      while (nextBatch < batches.length) {
        const index = nextBatch;
        nextBatch += 1;
        // oxlint-disable-next-line eslint/no-await-in-loop -- a lane runs one micro-batch at a time
        results[index] = await this.#run(lane, batches[index]!);
        finish(index, lane.gradient);
      }
    };
    await Promise.all(this.#lanes.map(work));
    return { ...addResults(results), gradient: this.#total };
  }

  async #run(lane: Lane, batch: MicroBatch): Promise<BatchResult> {
    const key = `${batch.shape.sequences}x${batch.shape.length}`;
    let graph = this.#graphs.get(key);
    if (graph === undefined) {
      graph = this.#options.graphFor(batch.shape);
      this.#graphs.set(key, graph);
    }
    let session = lane.sessions.get(key);
    if (session === undefined) {
      session = this.#open(lane, graph);
      lane.sessions.set(key, session);
    }
    const opened = await session;
    const outputs = await opened.run(declaredOnly(batch.feeds, opened.inputs));
    const scalar = (name: string): number => Number(outputs[name]?.data[0] ?? Number.NaN);
    const metrics = (graph.metrics ?? []).map((name) => [name, scalar(`metric/${name}`)] as const);
    return { loss: scalar("loss"), metrics: Object.fromEntries(metrics) };
  }

  async #open(lane: Lane, graph: GradientGraph): Promise<EngineSession> {
    const session = await lane.engine.load(graph.model, { memoryPattern: false, zeroCopyOutputs: true });
    const feeds = {
      ...this.#options.frozen,
      ...graph.frozen,
      ...parameterFeeds(this.#options.parameters),
    };
    const fetches: Record<string, EngineTensor> = {
      loss: { dataType: "f32", shape: [], data: sharedFloats(1) },
    };
    for (const segment of this.#options.parameters.segments) {
      const { name, shape } = segment;
      fetches[`gradient/${name}`] = { dataType: "f32", shape, data: segmentOf(lane.gradient, segment) };
    }
    for (const name of graph.metrics ?? []) {
      fetches[`metric/${name}`] = { dataType: "f32", shape: [], data: sharedFloats(1) };
    }
    session.bind(declaredOnly(feeds, session.inputs), fetches);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#lanes.map(({ engine }) => engine[Symbol.asyncDispose]()));
  }
}

function addInto(total: Float32Array, gradient: Float32Array): void {
  for (let index = 0; index < total.length; index++) total[index]! += gradient[index]!;
}

function addResults(results: readonly BatchResult[]): BatchResult {
  let loss = 0;
  const metrics: Record<string, number> = {};
  for (const result of results) {
    loss += result.loss;
    for (const [name, value] of Object.entries(result.metrics)) metrics[name] = (metrics[name] ?? 0) + value;
  }
  return { loss, metrics };
}
