/** Which text a model was calibrated on (calibration.json). */
export interface CalibrationRecord {
  /** The model's own solutions of a task's training problems, the task's reference solutions, or a file. */
  readonly kind: "traces" | "task" | "file";
  /** Task or path. */
  readonly name: string;
  /** SHA-256 of the sequences as token ids. */
  readonly sha256: string;
  /** Problems or documents, before any packing. */
  readonly texts: number;
  readonly sequences: number;
  readonly tokens: number;
  /** Tokens of the longest sequence. */
  readonly longest: number;
  /** Tokens of every sequence where texts were joined and cut; null where each sequence is one text. */
  readonly packedLength: number | null;
  /** Whether questions and answers stand in the model's chat template. */
  readonly chatTemplate: boolean;
  /** Tokens of the texts that are in no sequence: past the longest sequence, or less than a packed one. */
  readonly tokensLeftOut: number;
  readonly seed: number;
}
