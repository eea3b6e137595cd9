import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openSandbox } from "../../src/sandbox/open-sandbox.ts";
import type { Sandbox, SandboxLimits, SandboxOutcome } from "../../src/sandbox/sandbox.ts";

const limits: SandboxLimits = { timeoutMs: 5000, memoryBytes: 2 ** 28, processes: 8, outputBytes: 2 ** 16 };

async function opened(): Promise<Sandbox | null> {
  try {
    return await openSandbox();
  } catch {
    return null;
  }
}
const sandbox = await opened();

/** Untrusted source, run as it is. */
async function run(source: string, more: Partial<SandboxLimits> = {}): Promise<SandboxOutcome> {
  return sandbox!.run({ source, input: "in\n", limits: { ...limits, ...more } });
}

// Skipped where the system has no namespaces; there the product refuses.
describe.skipIf(sandbox === null)("a sandboxed program", () => {
  test("reads its input, writes its output, has an exit code", async () => {
    expect(await run("import sys; print(sys.stdin.read().strip() * 2); sys.exit(3)")).toEqual({
      ended: "exit",
      code: 3,
      stdout: "inin\n",
      stderr: "",
    });
  });

  test("that never ends is stopped, also when it sleeps or ignores signals", async () => {
    const source =
      "import signal,time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(1)";
    expect(await run(source, { timeoutMs: 400 })).toEqual({ ended: "timeout" });
    expect(await run("while True: pass", { timeoutMs: 400 })).toEqual({ ended: "timeout" });
  });

  test("that forks without end hits the limit and leaves nothing behind", async () => {
    const source =
      "import os,sys,time\nn=0\ntry:\n  while n < 1000:\n    if os.fork() == 0: time.sleep(30); os._exit(0)\n    n += 1\nexcept OSError: pass\nprint(n)";
    const outcome = await run(source, { timeoutMs: 4000 });
    expect(outcome.ended).toBe("exit");
    if (outcome.ended === "exit") expect(Number(outcome.stdout)).toBeLessThan(8);
  });

  test("that takes memory without end gets a MemoryError", async () => {
    const outcome = await run("x = bytearray(2**30)");
    expect(outcome).toMatchObject({ ended: "exit", code: 1 });
    expect(outcome.ended === "exit" && outcome.stderr).toContain("MemoryError");
  });

  test("has no network, not even to this machine", async () => {
    const source =
      "import socket\nfor host in ('127.0.0.1', '192.0.2.1'):\n  try: socket.create_connection((host, 22), timeout=1); print('connected')\n  except OSError as error: print(type(error).__name__)";
    const outcome = await run(source);
    expect(outcome).toMatchObject({ ended: "exit", code: 0 });
    expect(outcome.ended === "exit" && outcome.stdout).not.toContain("connected");
  });

  test("sees and writes no files but its own, which are bounded", async () => {
    const directory = mkdtempSync(join(tmpdir(), "bitmend-outside-"));
    const path = join(directory, "secret");
    const source =
      `import os\nfor path in (${JSON.stringify(path)}, '/usr/x', '/x', '/dev/x', '/old/x'):\n  try: open(path, 'w'); print('wrote', path)\n  except OSError: pass\n` +
      "print(os.path.exists('/etc'), os.path.exists('/home'), os.listdir('/tmp'))\n" +
      "try: open('/tmp/big', 'wb').write(b'x' * 2**20); print('too big')\nexcept OSError: print('bounded')";
    const outcome = await run(source);
    const found = existsSync(path);
    rmSync(directory, { recursive: true });
    expect(outcome).toMatchObject({ ended: "exit", stdout: "False False []\nbounded\n" });
    expect(found).toBe(false);
  });

  test("that floods its output is stopped", async () => {
    expect(await run("import sys\nwhile True: sys.stdout.write('x' * 65536)")).toEqual({ ended: "flood" });
  });

  test("is stopped with the run", async () => {
    const signal = AbortSignal.timeout(300);
    const running = sandbox!.run({ source: "while True: pass", input: "", limits, signal });
    await expect(running).rejects.toThrow("timeout");
  });
});
