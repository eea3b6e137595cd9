import type { Problem } from "../tasks/problem.ts";
import type { Task } from "../tasks/task.ts";

/** Of a task that generates problems without end: as many of each split as a measurement asks unless it is told otherwise. */
const usualMeasurement = { seed: 1, count: 1000 } as const;

/**
 * The problems of a task that models are measured on, so that nothing learned or calibrated on can be one of them: all there are, or, where
 * they are generated, those of the usual seed. (A generator keeps its splits apart by itself; these are for texts from elsewhere.)
 */
export function reservedProblems(task: Task): readonly Problem[] {
  return (["validation", "test"] as const).flatMap((split) => {
    const count = task.available(split);
    if (count === null) return task.problems({ split, ...usualMeasurement });
    return count === 0 ? [] : task.problems({ split, seed: 0, count });
  });
}
