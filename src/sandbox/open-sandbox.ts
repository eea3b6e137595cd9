import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BitmendError } from "../util/errors.ts";
import { namespaceCommand } from "./namespace-command.ts";
import { findPython, type Python } from "./python.ts";
import { runBounded } from "./run-bounded.ts";
import type { Sandbox, SandboxOutcome, SandboxRun } from "./sandbox.ts";

/**
 * Finds out whether this machine can run untrusted Python programs, by running some.
 *
 * Isolation is Linux namespaces through util-linux (`unshare`, `setpriv`, `prlimit`): own network without devices, own processes, a file
 * system of the interpreter (read-only) and an empty `/tmp` (64 MiB, in memory), no capabilities, an unprivileged user.
 *
 * @throws {BitmendError} `sandbox/no-python`; `sandbox/not-isolated` where the system cannot isolate and `unsafe` is not set.
 */
export async function openSandbox({ unsafe = false }: { readonly unsafe?: boolean } = {}): Promise<Sandbox> {
  const python = await findPython();
  const isolated: Sandbox = {
    isolation: "namespaces",
    run: async (run) => runIn(python, run, isolatedCommand),
  };
  const failure = await probe(isolated);
  if (failure === null) return isolated;
  if (unsafe) return { isolation: "none", run: async (run) => runIn(python, run, plainCommand) };
  throw new BitmendError(
    "sandbox/not-isolated",
    `openSandbox(): this task runs programs that a model wrote, and this system does not isolate them (${failure}).`,
    {
      hint: "Use Linux with user namespaces and util-linux (unshare, setpriv, prlimit), e.g. in a virtual machine; or, where nothing can be harmed, --unsafe-code-execution.",
    },
  );
}

type MakeCommand = (python: Python, run: SandboxRun, directory: string) => readonly [string, ...string[]];

const isolatedCommand: MakeCommand = (python, { source, limits }, directory) =>
  namespaceCommand({ python, source, limits, root: directory, privileged: process.getuid?.() === 0 });

const plainCommand: MakeCommand = ({ executable }, { source }) => [executable, "-I", "-B", "-c", source];

async function runIn(python: Python, run: SandboxRun, command: MakeCommand): Promise<SandboxOutcome> {
  const directory = mkdtempSync(join(tmpdir(), "bitmend-sandbox-"));
  try {
    return await runBounded(command(python, run, directory), run, { cwd: directory });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Says of each thing that must not work whether it did. */
const probeSource = `
import os, socket
def works(action):
    try: action(); return "1"
    except Exception: return "0"
def connect():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("192.0.2.1", 9)); s.send(b"x")
print(works(connect) + works(lambda: open("/usr/bitmend-probe", "w")) + works(lambda: open("/bitmend-probe", "w"))
      + works(lambda: os.setuid(12345)) + works(lambda: os.stat("/etc/passwd")) + works(lambda: open("/tmp/x", "w").write("x")))
`;

/** Why the system does not isolate; null when it does. */
async function probe(sandbox: Sandbox): Promise<string | null> {
  if (process.platform !== "linux") return `${process.platform} has no namespaces`;
  const limits = { timeoutMs: 20_000, memoryBytes: 2 ** 29, processes: 4, outputBytes: 2 ** 12 };
  try {
    const outcome = await sandbox.run({ source: probeSource, input: "", limits });
    if (outcome.ended !== "exit") return "a first program did not end";
    if (outcome.code !== 0) return outcome.stderr.trim().split("\n").at(-1) || `exit code ${outcome.code}`;
    return outcome.stdout.trim() === "000001"
      ? null
      : `a probe of it gave ${outcome.stdout.trim().slice(0, 20)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
