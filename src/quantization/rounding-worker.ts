/** @file A thread that rounds rows of weights: see rounding-pool.ts. */
import { parentPort, type MessagePort } from "node:worker_threads";
import { createRuntimeSession } from "../engine/runtime-session.ts";
import { BitmendError } from "../util/errors.ts";
import { engineProducts } from "./engine-products.ts";
import { roundRows } from "./round-rows.ts";
import type { RoundingAnswer, RoundingTask } from "./rounding-pool.ts";
import type { SubtractProduct } from "./subtract-product.ts";

if (parentPort === null) {
  throw new BitmendError("engine/worker", "rounding-worker: expected to be started as a worker thread.");
}
serve(parentPort);

function serve(port: MessagePort): void {
  let products: Promise<SubtractProduct> | null = null;
  const subtract = async (): Promise<SubtractProduct> => {
    const single = { threads: 1, spinning: false, zeroCopyOutputs: false };
    products ??= engineProducts({ load: async (model) => createRuntimeSession(model, single) });
    return products;
  };
  const answer = async (task: RoundingTask): Promise<RoundingAnswer> => {
    try {
      const needsProducts = task.gptq !== null;
      return { rows: await roundRows(task.weight, task, needsProducts ? await subtract() : undefined) };
    } catch (error) {
      const known = error instanceof BitmendError;
      const code = known ? error.code : "engine/run-failed";
      return { error: { code, message: known ? error.message : String(error) } };
    }
  };
  const serveOne = async (task: RoundingTask): Promise<void> => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    port.postMessage(await answer(task));
  };
  port.on("message", (task: RoundingTask) => {
    void serveOne(task);
  });
}
