/** @file The program as people start it, in a process of its own. */
import { spawn } from "node:child_process";
import { join } from "node:path";

const main = join(import.meta.dirname, "../../src/cli/main.ts");

/** How a process ended. */
export interface Outcome {
  /** Exit code, or the signal that ended it. */
  readonly ended: number | NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  /** Working directory. Default: that of the tests. */
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Options of Node, before the program. */
  readonly node?: readonly string[];
  /** Called with what stderr holds so far, each time it grows; the signal it returns is sent. */
  readonly onProgress?: (stderr: string) => NodeJS.Signals | undefined;
  /** Kills it outright when it fires. */
  readonly kill?: AbortSignal;
}

/** Runs `bitmend ...argv` to its end. */
export async function bitmend(argv: readonly string[], surroundings: Surroundings = {}): Promise<Outcome> {
  return execute([process.execPath, ...(surroundings.node ?? []), main, ...argv], surroundings);
}

/** Runs a command to its end. */
export async function execute(
  [command, ...argv]: readonly [string, ...string[]],
  { cwd, environment, onProgress, kill }: Surroundings = {},
): Promise<Outcome> {
  const child = spawn(command, argv, {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  kill?.addEventListener("abort", () => child.kill("SIGKILL"), { once: true });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    const signal = onProgress?.(stderr);
    if (signal !== undefined) child.kill(signal);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ ended: signal ?? code, stdout, stderr }));
  });
}

/** The command line that Node runs bitmend with, for a shell or a pseudo-terminal. */
export function bitmendCommand(argv: readonly string[]): string {
  return [process.execPath, main, ...argv]
    .map((argument) => `'${argument.replaceAll("'", `'\\''`)}'`)
    .join(" ");
}
