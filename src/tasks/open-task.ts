import { BitmendError } from "../util/errors.ts";
import { fileTask } from "./file-task.ts";
import { pocketTask } from "./pocket/pocket-task.ts";
import type { Task } from "./task.ts";

const filePrefix = "file:";
const tasks: readonly Task[] = [pocketTask];

/**
 * Opens a task by name: a built-in one, or `file:PATH` for problems of one's own.
 *
 * @throws {BitmendError} `tasks/unknown` names the tasks there are; the errors of {@link fileTask}.
 */
export function openTask(name: string): Task {
  if (name.startsWith(filePrefix)) return fileTask(name.slice(filePrefix.length));
  const task = tasks.find((each) => each.name === name);
  if (task !== undefined) return task;
  throw new BitmendError(
    "tasks/unknown",
    `openTask(): expected ${tasks.map((each) => each.name).join(", ")} or file:PATH, got ${JSON.stringify(name)}.`,
    { hint: "For problems of your own write them as JSON Lines and name the file: file:problems.jsonl." },
  );
}
