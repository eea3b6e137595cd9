import { BitmendError } from "../util/errors.ts";

/** What people read about a failure: message and code; a stack only for a bug, which is everything not thrown on purpose. */
export function describeError(error: unknown): string {
  if (error instanceof BitmendError) return `${error.message}\n[${error.code}]`;
  if (!(error instanceof Error)) return `Internal error: ${String(error)}`;
  const advice = systemAdvice(error);
  if (advice !== undefined) return `${error.message}\n${advice}`;
  return `Internal error, please report it with these lines: ${error.stack ?? error.message}`;
}

/** What to do about a failure of the machine, not of the program. */
function systemAdvice(error: Error): string | undefined {
  if (!("code" in error) || typeof error.code !== "string") return undefined;
  return adviceByCode.get(error.code);
}

const adviceByCode: ReadonlyMap<string, string> = new Map([
  ["ENOSPC", "The disk is full: free some space, then run the same command again."],
  ["EDQUOT", "The disk quota is used up: free some space, then run the same command again."],
  ["EROFS", "The file system is read-only: choose another directory."],
  ["EACCES", "Permission denied: choose another directory, or change its permissions."],
  ["EPERM", "Not permitted: choose another directory, or change its permissions."],
  ["ENOENT", "No such file or directory: check the path."],
  ["ENOTDIR", "A part of that path is a file, not a directory: check the path."],
  ["EISDIR", "That path is a directory, not a file: check the path."],
  ["EMFILE", "Too many open files: raise the limit (ulimit -n)."],
]);
