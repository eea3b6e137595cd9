import { z } from "zod";

/** One problem a run was measured on, as its report shows it (problems.jsonl of a run directory). */
export const problemRecordSchema = z.strictObject({
  id: z.string(),
  question: z.string(),
  answer: z.string(),
  subject: z.string().nullable(),
  level: z.int().nullable(),
});
export type ProblemRecord = z.infer<typeof problemRecordSchema>;
