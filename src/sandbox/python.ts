import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { BitmendError } from "../util/errors.ts";

/** The user's interpreter, behind wrappers and virtual environments. */
export interface Python {
  readonly executable: string;
  /** Directories it needs, besides those of the system. */
  readonly directories: readonly string[];
}

const question =
  "import json, os, sys, sysconfig\n" +
  "base = getattr(sys, '_base_executable', None) or sys.executable\n" +
  "print(json.dumps([sys.version_info >= (3, 8), os.path.realpath(base), sys.base_prefix, sys.base_exec_prefix, sysconfig.get_paths()['stdlib']]))";

const answerSchema = z.tuple([z.boolean(), z.string()], z.string());

/**
 * Finds `python3`. Programs see its standard library, and no packages.
 *
 * @throws {BitmendError} `sandbox/no-python`.
 */
export async function findPython(): Promise<Python> {
  try {
    const { stdout } = await promisify(execFile)("python3", ["-I", "-c", question], { timeout: 30_000 });
    const [isNew, executable, ...directories] = answerSchema.parse(JSON.parse(stdout));
    if (!isNew) throw new Error("it is older than 3.8");
    const own = directories.filter((directory) => !/^\/(?:usr|bin|lib)(?:\/|$)/u.test(directory));
    return {
      executable,
      directories: own.filter((each) => !own.some((other) => each.startsWith(`${other}/`))),
    };
  } catch (cause) {
    throw new BitmendError(
      "sandbox/no-python",
      `findPython(): this task runs Python programs and needs python3, version 3.8 or later, but ${cause instanceof Error ? cause.message.split("\n")[0]! : "it does not run"}.`,
      { hint: "Install Python 3, so that `python3` runs.", cause },
    );
  }
}
