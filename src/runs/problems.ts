import { z } from "zod";

/** One problem a run was measured on, as its report shows it (problems.jsonl of a run directory). */
export interface ProblemRecord {
  readonly id: string;
  readonly question: string;
  readonly answer: string;
  readonly subject: string | null;
  readonly level: number | null;
}

export const problemRecordSchema: z.ZodType<ProblemRecord> = z.strictObject({
  id: z.string(),
  question: z.string(),
  answer: z.string(),
  subject: z.string().nullable(),
  level: z.int().nullable(),
});
