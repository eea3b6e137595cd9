/** @file Messages between an `EngineWorker` and its thread. Requests are answered in order, except "bind", which is not answered. */
import type { DataType } from "../onnx/index.ts";
import type { ErrorCode } from "../util/errors.ts";
import type { EngineTensor } from "./engine-tensor.ts";

/** Tensors by input name. */
export type Feeds = Readonly<Record<string, EngineTensor>>;

/** Outputs to compute: into the given tensor, or, for null, into a new one. */
export type Fetches = Readonly<Record<string, EngineTensor | null>>;

/** How a session is created. */
export interface LoadOptions {
  /** Reuse one plan of allocations between runs: at most 10 % faster, and nearly twice the memory in training. Default: false. */
  readonly memoryPattern?: boolean;
  /** Where files named by `Graph.external()` lie. */
  readonly externalDataFolder?: string;
  /** "disabled" keeps external weights as they are (mapped, cast at run time): loads at once and takes least memory. Default: "all". */
  readonly optimization?: "all" | "disabled";
  /**
   * Let preallocated fetches be the only copy of the outputs, by a behaviour of ONNX Runtime that is checked when the first such session is
   * loaded; where it is absent, outputs are copied as usual. Pays for large outputs: caches, gradients. Default: false.
   */
  readonly zeroCopyOutputs?: boolean;
}

/** An input or output of a loaded model. A string is a symbolic dimension. */
export interface PortDescription {
  readonly dataType: DataType;
  readonly shape: readonly (number | string)[];
}

/** What a loaded session takes and gives. */
export interface SessionDescription {
  readonly session: number;
  readonly inputs: Readonly<Record<string, PortDescription>>;
  readonly outputs: Readonly<Record<string, PortDescription>>;
}

export type Request =
  | {
      readonly type: "load";
      readonly model: Uint8Array;
      readonly options: LoadOptions & { readonly threads: number; readonly spinning: boolean };
    }
  | { readonly type: "bind"; readonly session: number; readonly feeds: Feeds; readonly fetches: Fetches }
  | { readonly type: "run"; readonly session: number; readonly feeds: Feeds; readonly fetches: Fetches }
  | { readonly type: "release"; readonly session: number }
  | { readonly type: "close" };

/** What a request gives: "load" a session, "run" the tensors of null fetches. */
export type ResponseValue =
  | { readonly type: "loaded"; readonly description: SessionDescription }
  | { readonly type: "results"; readonly tensors: Readonly<Record<string, EngineTensor>> }
  | { readonly type: "done" };

export interface NumberedRequest {
  readonly id: number;
  readonly request: Request;
}

export type Response =
  | { readonly id: number; readonly value: ResponseValue }
  | { readonly id: number; readonly error: { readonly code: ErrorCode; readonly message: string } };
