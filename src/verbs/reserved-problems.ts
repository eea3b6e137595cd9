import type { Problem } from "../tasks/problem.ts";
import type { Task } from "../tasks/task.ts";

/**
 * Every problem of a task that models are measured on, so that nothing learned or calibrated on can be one of them; empty where the task
 * generates its problems and keeps its splits apart by itself.
 */
export function reservedProblems(task: Task): readonly Problem[] {
  return (["validation", "test"] as const).flatMap((split) => {
    const count = task.available(split);
    return count === null || count === 0 ? [] : task.problems({ split, seed: 0, count });
  });
}
