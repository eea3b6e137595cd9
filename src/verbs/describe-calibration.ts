import { count } from "../report/number-text.ts";
import type { CalibrationRecord } from "../runs/calibration.ts";

const kinds: Readonly<Record<CalibrationRecord["kind"], (name: string) => string>> = {
  traces: (name) => `the model's own solutions of training problems of ${name}`,
  task: (name) => `reference solutions of training problems of ${name}`,
  file: (name) => name,
};

/** Which calibration text was used, as one sentence. */
export function describeCalibration(record: CalibrationRecord): string {
  const { kind, name, texts, sequences, tokens, packedLength, chatTemplate, tokensLeftOut } = record;
  const packing =
    packedLength === null ? "one text a sequence" : `packed to ${count(packedLength)} tokens a sequence`;
  return (
    `Calibration text: ${kinds[kind](name)}, ${count(texts)} texts; ${count(sequences)} sequences, ${count(tokens)} tokens, ` +
    `${packing}, ${chatTemplate ? "in the chat template" : "no chat template"}` +
    `${tokensLeftOut === 0 ? "" : `, ${count(tokensLeftOut)} tokens left out`}.`
  );
}
