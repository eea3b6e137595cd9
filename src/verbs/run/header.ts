import { cpus, totalmem } from "node:os";
import type { ProblemRecord } from "../../runs/problems.ts";
import { writeFileAtomically } from "../../util/atomic-file.ts";
import { recordPath, type RunContext } from "./context.ts";

/** Writes what a report needs and no stage writes: recipe.json, environment.json, problems.jsonl. */
export function writeHeader(context: RunContext): void {
  const write = (name: string, value: unknown): void =>
    writeFileAtomically(recordPath(context, name), `${JSON.stringify(value, null, 1)}\n`);
  const problems = context.problems.map(
    ({ id, question, answer, subject = null, level = null }): ProblemRecord => {
      return { id, question, answer, subject, level };
    },
  );
  const { task, recipe, model, threads } = context;
  write("environment.json", {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model ?? "unknown",
    threads,
    memoryBytes: totalmem(),
    model,
    task: { name: task.name, version: task.version, source: task.source, licence: task.licence },
  });
  writeFileAtomically(
    recordPath(context, "problems.jsonl"),
    problems.map((problem) => `${JSON.stringify(problem)}\n`).join(""),
  );
  // The recipe comes last: a directory counts as begun by it.
  write("recipe.json", recipe);
}
