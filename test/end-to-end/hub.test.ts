/** @file Models by their hub id, with a server in place of the hub. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import type { EvaluateResult, Inspection } from "../../src/index.ts";
import { shippedModels } from "../../src/verbs/resolve-model.ts";
import { startMockHub } from "../mock-hub.ts";
import { bitmend, bitmendCommand } from "./bitmend.ts";

const work = mkdtempSync(join(tmpdir(), "bitmend-hub-verbs-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const pocket = shippedModels["pocket"]!;
const commit = "89abcdef0123456789abcdef0123456789abcdef";
const files = new Map(readdirSync(pocket).map((name) => [name, readFileSync(join(pocket, name))]));
const repository = { id: "someone/pocket", commit, files };

function surroundings(endpoint: string, name: string): Record<string, string> {
  return { HF_ENDPOINT: endpoint, HF_HOME: join(work, name), HF_TOKEN: "", HF_HUB_OFFLINE: "0" };
}

/** Of the file that a stopped download left. */
function partialBytes(blobs: string): number {
  if (!existsSync(blobs)) return 0;
  const partial = readdirSync(blobs).find((name) => name.endsWith(".incomplete"));
  return partial === undefined ? 0 : statSync(join(blobs, partial)).size;
}

describe("models of the hub", () => {
  test("a verb fetches what it is given by id; afterwards no network is needed", async () => {
    await using hub = await startMockHub(repository);
    const environment = surroundings(hub.endpoint, "by-id");
    const fetched = await bitmend(["inspect", "someone/pocket", "--json"], { environment });
    expect(fetched.ended).toBe(0);
    expect((JSON.parse(fetched.stdout) as Inspection).directory).toContain(`snapshots/${commit}`);
    const asked = hub.requests.length;
    const offline = { ...environment, HF_HUB_OFFLINE: "1" };
    const evaluate = ["evaluate", "someone/pocket", "--problems", "16", "--threads", "2", "--json"];
    const byId = await bitmend([...evaluate, "-o", join(work, "a")], { environment: offline });
    const onDisk = await bitmend([...evaluate.with(1, pocket), "-o", join(work, "b")]);
    expect(byId).toMatchObject({ ended: 0 });
    const { accuracy } = JSON.parse(byId.stdout) as EvaluateResult;
    expect(accuracy).toBe((JSON.parse(onDisk.stdout) as EvaluateResult).accuracy);
    expect(hub.requests).toHaveLength(asked);
  });

  test("a killed pull goes on where it was", async () => {
    await using hub = await startMockHub(repository);
    const environment = surroundings(hub.endpoint, "killed");
    hub.mishaps.push({ path: "model.safetensors", cutAfter: 150_000, stalls: true });
    const pulling = spawn("/bin/sh", ["-c", `exec ${bitmendCommand(["pull", "someone/pocket"])}`], {
      env: { ...process.env, ...environment },
      stdio: "ignore",
    });
    const blobs = join(work, "killed/hub/models--someone--pocket/blobs");
    await vi.waitFor(() => expect(partialBytes(blobs)).toBe(150_000), { timeout: 20_000 });
    pulling.kill("SIGKILL");
    hub.requests.length = 0;
    const pulled = await bitmend(["pull", "someone/pocket", "--json"], { environment });
    expect(pulled).toMatchObject({ ended: 0 });
    expect(hub.requests.filter((line) => line.includes("/cdn/"))).toEqual([
      expect.stringMatching(/model\.safetensors bytes=150000-$/u),
    ]);
    const { path } = JSON.parse(pulled.stdout) as { path: string };
    expect(readFileSync(join(path, "model.safetensors"))).toEqual(files.get("model.safetensors"));
  });

  test("what is not there is said at once", async () => {
    const environment = { ...surroundings("http://127.0.0.1:9", "offline"), HF_HUB_OFFLINE: "1" };
    const offline = await bitmend(["inspect", "someone/pocket"], { environment });
    expect(offline).toMatchObject({ ended: 1, stdout: "" });
    expect(offline.stderr).toContain("[hub/offline]");
    const nonsense = await bitmend(["pull", "not-an-id"], { environment });
    expect(nonsense.stderr).toContain("[verbs/bad-hub-id]");
  });
});
