import { BitmendError, type ErrorCode } from "./errors.ts";

const KNOWN: Readonly<Record<string, { code: ErrorCode; what: string; hint: string }>> = {
  ENOSPC: { code: "files/disk-full", what: "the disk is full", hint: "Free some space, then run it again." },
  EDQUOT: {
    code: "files/disk-full",
    what: "the disk quota is used up",
    hint: "Free some space, then run it again.",
  },
  EFBIG: {
    code: "files/disk-full",
    what: "it would grow beyond the largest size allowed",
    hint: "Raise the limit (ulimit -f), then run it again.",
  },
  EMFILE: {
    code: "files/too-many-open",
    what: "too many files are open",
    hint: "Raise the limit (ulimit -n).",
  },
  EROFS: {
    code: "files/read-only",
    what: "the file system is read-only",
    hint: "Choose a directory that can be written.",
  },
  EACCES: {
    code: "files/no-permission",
    what: "permission was denied",
    hint: "Check the permissions, or choose another directory.",
  },
  EPERM: {
    code: "files/no-permission",
    what: "permission was denied",
    hint: "Check the permissions, or choose another directory.",
  },
  ENOENT: { code: "files/not-found", what: "it does not exist", hint: "Check the path." },
  ENOTDIR: {
    code: "files/not-found",
    what: "a part of its path is not a directory",
    hint: "Check the path.",
  },
  EISDIR: { code: "files/not-a-file", what: "it is a directory", hint: "Give the path of a file." },
};

/**
 * Turns an error of node:fs into a `BitmendError` that says what to do; any other error is returned as it is.
 *
 * `where` is the failing function, e.g. `"writeSafetensors()"`.
 */
export function fileSystemError(cause: unknown, where: string, path: string): unknown {
  if (!(cause instanceof Error) || cause instanceof BitmendError || !("code" in cause)) return cause;
  const known = KNOWN[String(cause.code)];
  if (known === undefined) {
    return new BitmendError("files/input-output", `${where}: ${path} failed with ${cause.message}.`, {
      cause,
    });
  }
  return new BitmendError(known.code, `${where}: expected to use ${path}, but ${known.what}.`, {
    hint: known.hint,
    cause,
  });
}
