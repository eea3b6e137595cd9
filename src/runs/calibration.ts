/** @file Which text a model was calibrated on: calibration.json. */
import { z } from "zod";

export const calibrationRecordSchema = z.strictObject({
  /** The model's own solutions of a task's training problems, the task's reference solutions, or a file. */
  kind: z.enum(["traces", "task", "file"]),
  /** Task or path. */
  name: z.string(),
  /** SHA-256 of the sequences as token ids. */
  sha256: z.string(),
  /** Problems or documents, before any packing. */
  texts: z.int(),
  sequences: z.int(),
  tokens: z.int(),
  /** Tokens of the longest sequence. */
  longest: z.int(),
  /** Tokens of every sequence where texts were joined and cut; null where each sequence is one text. */
  packedLength: z.int().nullable(),
  /** Whether questions and answers stand in the model's chat template. */
  chatTemplate: z.boolean(),
  /** Tokens of the texts that are in no sequence: past the longest sequence, or less than a packed one. */
  tokensLeftOut: z.int(),
  seed: z.int(),
});
export type CalibrationRecord = z.infer<typeof calibrationRecordSchema>;
