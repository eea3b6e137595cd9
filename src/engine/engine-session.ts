import { BitmendError, type ErrorCode } from "../util/errors.ts";
import { copyElements, elementCount, type EngineTensor } from "./engine-tensor.ts";
import type {
  Feeds,
  Fetches,
  PortDescription,
  Request,
  ResponseValue,
  SessionDescription,
} from "./protocol.ts";
import { typedArrays } from "../onnx/index.ts";

/** A loaded model in a worker. Feeds and results are tensors by name; names, types and shapes are checked before anything is sent. */
export interface EngineSession extends AsyncDisposable {
  readonly inputs: Readonly<Record<string, PortDescription>>;
  readonly outputs: Readonly<Record<string, PortDescription>>;
  /**
   * Keeps feeds, and fetches to write results into, for all later runs; sent once. Data in shared memory may be changed between runs, other
   * data is copied now. A later bind or run replaces single entries.
   *
   * @throws {BitmendError} `engine/bad-tensor` lists every wrong entry.
   */
  readonly bind: (feeds: Feeds, fetches?: Fetches) => void;
  /**
   * Computes the fetches (default: the bound ones, or else all outputs). A null fetch gives a new tensor, a tensor is filled and given back;
   * filling without a copy needs shared memory.
   *
   * @throws {BitmendError} `engine/bad-tensor`, `engine/missing-feed`, `engine/run-failed`, `engine/released`, `engine/worker-exited`.
   */
  readonly run: (feeds: Feeds, fetches?: Fetches) => Promise<Record<string, EngineTensor>>;
  /** Frees the session. */
  readonly release: () => Promise<void>;
}

/** Sends a request to the thread; resolves with its answer, or at once for one that has none. */
export type Send = (request: Request) => Promise<ResponseValue>;

/** The caller's side of a session. */
export function engineSession(description: SessionDescription, send: Send): EngineSession {
  const { session, inputs, outputs } = description;
  const boundNames = new Set<string>();
  let boundFetches: Fetches = {};
  let isReleased = false;

  const release = async (): Promise<void> => {
    if (isReleased) return;
    isReleased = true;
    await send({ type: "release", session });
  };
  return {
    inputs,
    outputs,
    bind: (feeds, fetches = {}) => {
      refuseReleased("bind", isReleased);
      refuseUnfit("bind", [...issues(feeds, inputs, "input"), ...issues(fetches, outputs, "output")]);
      for (const name of Object.keys(feeds)) boundNames.add(name);
      boundFetches = { ...boundFetches, ...fetches };
      // What was checked here cannot fail there; that the thread has ended is what the next run says.
      send({ type: "bind", session, feeds: crossing(feeds), fetches: crossingFetches(fetches) }).catch(
        () => {},
      );
    },
    run: async (feeds, fetches) => {
      refuseReleased("run", isReleased);
      refuseUnfit("run", [...issues(feeds, inputs, "input"), ...issues(fetches ?? {}, outputs, "output")]);
      const missing = Object.keys(inputs).filter((name) => !(name in feeds) && !boundNames.has(name));
      refuseUnfit(
        "run",
        missing.map((name) => `input ${name} is not fed`),
        "engine/missing-feed",
      );
      const fallback = Object.keys(boundFetches).length > 0 ? {} : mapToNull(outputs);
      const sent = crossingFetches(fetches ?? fallback);
      const answer = await send({ type: "run", session, feeds: crossing(feeds), fetches: sent });
      const created = answer.type === "results" ? answer.tensors : {};
      return collect({ ...boundFetches, ...(fetches ?? fallback) }, created);
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}

/** Puts each result where it was asked for. */
function collect(
  fetches: Fetches,
  created: Readonly<Record<string, EngineTensor>>,
): Record<string, EngineTensor> {
  return Object.fromEntries(
    Object.entries(fetches).map(([name, target]) => {
      const result = created[name];
      if (target === null) return [name, result!];
      if (result !== undefined) copyElements(result.data, target.data);
      return [name, target];
    }),
  );
}

/** Everything that does not fit the ports, in words. */
function issues(
  tensors: Fetches,
  ports: Readonly<Record<string, PortDescription>>,
  kind: "input" | "output",
): string[] {
  return Object.entries(tensors).flatMap(([name, tensor]) => {
    const port = ports[name];
    if (port === undefined)
      return [`${kind} ${name} does not exist (there are ${Object.keys(ports).join(", ")})`];
    if (tensor === null) return [];
    const { dataType, shape, data } = tensor;
    const got = `${dataType} [${shape.join(", ")}]`;
    const fits =
      dataType === port.dataType &&
      shape.length === port.shape.length &&
      shape.every((size, axis) => typeof port.shape[axis] === "string" || port.shape[axis] === size);
    if (!fits) return [`${kind} ${name} is ${port.dataType} [${port.shape.join(", ")}], got ${got}`];
    const isHeld = data instanceof typedArrays[dataType] && data.length === elementCount(shape);
    return isHeld
      ? []
      : [`${kind} ${name} is ${got}, got a ${data.constructor.name} of ${data.length} elements`];
  });
}

function refuseUnfit(
  operation: string,
  problems: readonly string[],
  code: ErrorCode = "engine/bad-tensor",
): void {
  if (problems.length === 0) return;
  throw new BitmendError(code, `EngineSession.${operation}(): ${problems.join("; ")}.`);
}

function refuseReleased(operation: string, isReleased: boolean): void {
  if (!isReleased) return;
  throw new BitmendError("engine/released", `EngineSession.${operation}(): the session has been released.`);
}

function mapToNull(ports: Readonly<Record<string, PortDescription>>): Fetches {
  return Object.fromEntries(Object.keys(ports).map((name) => [name, null]));
}

/** A view of part of an unshared buffer would take the whole buffer with it. */
function crossing(feeds: Feeds): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => {
      const { data } = tensor;
      const isWhole = isShared(data) || data.byteLength === data.buffer.byteLength;
      return [name, isWhole ? tensor : { ...tensor, data: data.slice() }];
    }),
  );
}

/** A fetch outside shared memory cannot be filled from the thread: its result comes back and is copied. */
function crossingFetches(fetches: Fetches): Fetches {
  return Object.fromEntries(
    Object.entries(fetches).map(([name, tensor]) => [
      name,
      tensor !== null && isShared(tensor.data) ? tensor : null,
    ]),
  );
}

function isShared(data: ArrayBufferView): boolean {
  return data.buffer instanceof SharedArrayBuffer;
}
