import { Worker } from "node:worker_threads";
import { BitmendError } from "../util/errors.ts";
import { engineSession, type EngineSession } from "./engine-session.ts";
import type { LoadOptions, NumberedRequest, Request, Response, ResponseValue } from "./protocol.ts";

/** Settings of a worker. */
export interface EngineWorkerOptions {
  /** Threads that compute one run, the worker's own among them. */
  readonly threads: number;
  /** Default: "cpu". */
  readonly device?: "cpu";
  /** Let idle threads wait actively: faster small operations, at the cost of other work. Default: only while this is the one worker. */
  readonly spinning?: boolean;
}

interface Pending {
  readonly resolve: (value: ResponseValue) => void;
  readonly reject: (error: BitmendError) => void;
}

/** A thread that holds ONNX Runtime sessions and runs one at a time. Several workers run in parallel. */
export class EngineWorker implements AsyncDisposable {
  static #liveWorkers = 0;
  readonly #thread: Worker;
  readonly #threads: number;
  readonly #spinning: boolean | undefined;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #nextId = 0;
  #failure: BitmendError | null = null;

  private constructor({ threads, spinning }: EngineWorkerOptions) {
    EngineWorker.#liveWorkers++;
    this.#threads = threads;
    this.#spinning = spinning;
    // Compiled or not, the thread's file lies beside this one, with the same extension.
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    this.#thread = new Worker(new URL(`./session-worker.${extension}`, import.meta.url));
    // An idle worker does not keep the process alive.
    this.#thread.unref();
    this.#thread.on("message", (response: Response) => this.#settle(response));
    this.#thread.on("error", (cause: unknown) => this.#fail("the worker thread failed", cause));
    this.#exited = new Promise((resolve) => {
      this.#thread.on("exit", () => {
        EngineWorker.#liveWorkers--;
        this.#fail("the worker thread has ended");
        resolve();
      });
    });
  }

  /**
   * Starts a thread.
   *
   * @throws {BitmendError} `engine/bad-options` when `threads` is not a positive integer.
   */
  static async start(options: EngineWorkerOptions): Promise<EngineWorker> {
    if (!Number.isInteger(options.threads) || options.threads < 1) {
      throw new BitmendError(
        "engine/bad-options",
        `EngineWorker.start(): expected at least one thread, got ${options.threads}.`,
      );
    }
    return new EngineWorker(options);
  }

  /**
   * Creates a session from an ONNX model. The model is copied to the thread unless it lies in shared memory.
   *
   * @throws {BitmendError} `engine/load-failed` with ONNX Runtime's message; `engine/worker-exited`.
   */
  async load(model: Uint8Array, options: LoadOptions = {}): Promise<EngineSession> {
    const spinning = this.#spinning ?? EngineWorker.#liveWorkers === 1;
    const threads = this.#threads;
    const answer = await this.#send({ type: "load", model, options: { ...options, threads, spinning } });
    if (answer.type !== "loaded") throw new BitmendError("engine/load-failed", "load(): expected a session.");
    return engineSession(answer.description, (request) => this.#send(request));
  }

  /** Releases all sessions and ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#failure === null) {
      await this.#send({ type: "close" });
      this.#thread.ref();
    }
    await this.#exited;
  }

  async #send(request: Request): Promise<ResponseValue> {
    if (this.#failure !== null) throw this.#failure;
    const id = this.#nextId++;
    const message: NumberedRequest = { id, request };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#thread.postMessage(message);
    if (request.type === "bind") return { type: "done" };
    this.#thread.ref();
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
  }

  #settle(response: Response): void {
    const pending = this.#pending.get(response.id);
    this.#pending.delete(response.id);
    if (this.#pending.size === 0) this.#thread.unref();
    if ("value" in response) pending?.resolve(response.value);
    else pending?.reject(new BitmendError(response.error.code, `EngineSession: ${response.error.message}`));
  }

  #fail(what: string, cause?: unknown): void {
    this.#failure ??= new BitmendError("engine/worker-exited", `EngineWorker: ${what}.`, { cause });
    for (const pending of this.#pending.values()) pending.reject(this.#failure);
    this.#pending.clear();
  }
}
