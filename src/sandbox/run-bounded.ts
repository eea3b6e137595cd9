import { spawn } from "node:child_process";
import type { SandboxOutcome, SandboxRun } from "./sandbox.ts";

/** Said of stderr at most. */
const errorBytes = 2 ** 14;

/**
 * Starts a command, feeds its stdin, and kills it with its process group when time is up, when it says too much, or on abort.
 *
 * @throws Why the command could not be started, or the signal's reason.
 */
export async function runBounded(
  [command, ...argv]: readonly [string, ...string[]],
  { input, limits, signal }: Omit<SandboxRun, "source">,
  { cwd }: { readonly cwd: string },
): Promise<SandboxOutcome> {
  signal?.throwIfAborted();
  const child = spawn(command, argv, {
    cwd,
    detached: true,
    stdio: "pipe",
    // Nothing of the user's: no keys, no proxies.
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LANG: "C.UTF-8", HOME: cwd },
  });
  let stopped: "timeout" | "flood" | "abort" | null = null;
  const stop = (why: "timeout" | "flood" | "abort"): void => {
    stopped ??= why;
    killGroup(child.pid);
  };
  const timer = setTimeout(() => stop("timeout"), limits.timeoutMs);
  const onAbort = (): void => stop("abort");
  signal?.addEventListener("abort", onAbort, { once: true });
  const [output, errors] = [new Collected(limits.outputBytes), new Collected(errorBytes)];
  child.stdout.on("data", (chunk: Buffer) => {
    if (!output.add(chunk)) stop("flood");
  });
  child.stderr.on("data", (chunk: Buffer) => errors.add(chunk));
  // A program that ends without reading its input breaks the pipe.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    if (stopped === "abort") signal?.throwIfAborted();
    if (stopped === "timeout" || stopped === "flood") return { ended: stopped };
    return { ended: "exit", code, stdout: output.text(), stderr: errors.text() };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    killGroup(child.pid);
  }
}

/** What may still run after the first process has ended goes too. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing is left.
  }
}

/** The first bytes of a stream. */
class Collected {
  readonly #chunks: Buffer[] = [];
  readonly #limit: number;
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False once there is more than fits. */
  add(chunk: Buffer): boolean {
    const room = this.#limit - this.#bytes;
    if (room > 0) this.#chunks.push(chunk.subarray(0, room));
    this.#bytes += chunk.length;
    return this.#bytes <= this.#limit;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}
