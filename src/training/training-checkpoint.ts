/** @file The file a training resumes from: parameters, both moments and the step, bit for bit. Batches are functions of the step, so no data position is needed. */
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { readSafetensorsHeader, writeSafetensors } from "../checkpoint/safetensors.ts";
import { BitmendError } from "../util/errors.ts";
import type { AdamWState } from "./adamw.ts";
import type { FlatParameters } from "./parameters.ts";

/** What a training checkpoint holds, in memory. */
export interface TrainingState {
  readonly parameters: FlatParameters;
  readonly optimizer: AdamWState;
  /** Names the training: settings, data and layout. A checkpoint of another one is refused. */
  readonly fingerprint: string;
}

const arraysOf = ({ parameters, optimizer }: TrainingState): [string, Float32Array][] => [
  ["parameters", parameters.values],
  ["first_moment", optimizer.firstMoment],
  ["second_moment", optimizer.secondMoment],
];

/** Writes the checkpoint atomically. */
export function saveTrainingState(path: string, state: TrainingState): void {
  const tensors = arraysOf(state).map(([name, values]) => ({
    name,
    dataType: "F32" as const,
    shape: [values.length],
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  }));
  writeSafetensors(path, tensors, {
    fingerprint: state.fingerprint,
    step: String(state.optimizer.step),
  });
}

/**
 * Fills `state` from `path`; returns whether there was a checkpoint.
 *
 * @throws {BitmendError} `training/other-training` when it belongs to a training with other settings.
 */
export function restoreTrainingState(path: string, state: TrainingState): boolean {
  if (!existsSync(path)) return false;
  const header = readSafetensorsHeader(path);
  const arrays = arraysOf(state);
  const step = Number(header.metadata?.["step"]);
  const fits = arrays.every(([name, values]) => header.tensors.get(name)?.byteLength === values.byteLength);
  if (header.metadata?.["fingerprint"] !== state.fingerprint || !fits || !Number.isInteger(step)) {
    throw new BitmendError(
      "training/other-training",
      `restoreTrainingState(): ${path} belongs to a training with other settings.`,
      { hint: "Delete it to train from the start, or go back to the settings it was made with." },
    );
  }
  const file = openSync(path, "r");
  try {
    for (const [name, values] of arrays) {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      readSync(file, bytes, 0, bytes.length, header.tensors.get(name)!.offset);
    }
  } finally {
    closeSync(file);
  }
  state.optimizer.step = step;
  return true;
}
