/** @file The thread of an `EngineWorker`: answers requests one after the other. */
import { parentPort, type MessagePort } from "node:worker_threads";
import { encodeModel } from "../onnx/index.ts";
import { BitmendError } from "../util/errors.ts";
import type { NumberedRequest, Request, Response, ResponseValue } from "./protocol.ts";
import { createRuntimeSession, supportsZeroCopy, type RuntimeSession } from "./runtime-session.ts";

const done = { type: "done" } as const;

type LoadRequest = Extract<Request, { type: "load" }>;

if (parentPort === null) {
  throw new BitmendError("engine/worker", "session-worker: expected to be started as a worker thread.");
}
serve(parentPort);

function serve(port: MessagePort): void {
  const sessions = new Map<number, RuntimeSession>();
  let zeroCopy: Promise<boolean> | null = null;
  let nextSession = 0;
  let queue = Promise.resolve();

  const load = async ({ model, options }: LoadRequest): Promise<ResponseValue> => {
    const wantsZeroCopy = options.zeroCopyOutputs === true;
    if (wantsZeroCopy) zeroCopy ??= supportsZeroCopy(negationModel());
    const zeroCopyOutputs = wantsZeroCopy && (await zeroCopy) === true;
    const session = await createRuntimeSession(model, { ...options, zeroCopyOutputs });
    const number = nextSession++;
    sessions.set(number, session);
    const { inputs, outputs } = session;
    return { type: "loaded", description: { session: number, inputs, outputs } };
  };

  const find = (number: number): RuntimeSession => {
    const session = sessions.get(number);
    if (session === undefined) throw new BitmendError("engine/released", "the session has been released.");
    return session;
  };

  const answer = async (request: Request): Promise<ResponseValue> => {
    switch (request.type) {
      case "load":
        return load(request);
      case "bind":
        find(request.session).bind(request.feeds, request.fetches);
        return done;
      case "run":
        return { type: "results", tensors: await find(request.session).run(request.feeds, request.fetches) };
      case "release":
        await find(request.session).release();
        sessions.delete(request.session);
        return done;
      case "close":
        await Promise.all([...sessions.values()].map(async (session) => session.release()));
        return done;
      default:
        return request satisfies never;
    }
  };

  const serveNext = async ({ id, request }: NumberedRequest, before: Promise<void>): Promise<void> => {
    await before;
    const response = await respond(id, request, answer);
    if (request.type !== "bind") port.postMessage(response, transferable(response));
    if (request.type === "close") port.close();
  };
  port.on("message", (message: NumberedRequest) => {
    queue = serveNext(message, queue);
  });
}

async function respond(
  id: number,
  request: Request,
  answer: (request: Request) => Promise<ResponseValue>,
): Promise<Response> {
  try {
    return { id, value: await answer(request) };
  } catch (error) {
    if (error instanceof BitmendError) return { id, error: { code: error.code, message: error.message } };
    const code = request.type === "load" ? "engine/load-failed" : "engine/run-failed";
    return { id, error: { code, message: error instanceof Error ? error.message : String(error) } };
  }
}

/** Result buffers go to the other side instead of being copied. */
function transferable(response: Response): ArrayBuffer[] {
  if (!("value" in response) || response.value.type !== "results") return [];
  const buffers = Object.values(response.value.tensors).map(({ data }) => data.buffer);
  return [...new Set(buffers.filter((buffer) => buffer instanceof ArrayBuffer))];
}

/** y = -x for two floats, to try a runtime on. */
function negationModel(): Uint8Array {
  const port = { dataType: "f32", shape: [2] } as const;
  const node = {
    name: "negate",
    operator: "Neg",
    domain: "",
    inputs: ["x"],
    outputs: ["y"],
    attributes: {},
  } as const;
  return encodeModel({
    nodes: [node],
    inputs: [{ name: "x", ...port }],
    outputs: [{ name: "y", ...port }],
    initializers: [],
  });
}
