/** @file One cache for all: huggingface_hub reads what bitmend fetched, and the other way round. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { shippedModels } from "../../src/verbs/resolve-model.ts";
import { peersPython } from "../../tools/peers/environment.ts";
import { bitmend, execute } from "../end-to-end/bitmend.ts";
import { startMockHub } from "../mock-hub.ts";

const python = await peersPython();
const work = mkdtempSync(join(tmpdir(), "bitmend-hub-peer-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const pocket = shippedModels["pocket"]!;
const files = new Map(readdirSync(pocket).map((name) => [name, readFileSync(join(pocket, name))]));
const repository = { id: "someone/pocket", commit: "89abcdef0123456789abcdef0123456789abcdef", files };

/** Prints the snapshot that huggingface_hub takes for the model, then what it finds wrong with the cache. */
const locate = (offline: boolean): string =>
  `import huggingface_hub as hub
print(hub.snapshot_download("someone/pocket", local_files_only=${offline ? "True" : "False"}))
print(len(hub.scan_cache_dir().warnings))`;

describe.skipIf(python === null)("the cache of the hub", () => {
  test("huggingface_hub finds what bitmend pulled", async () => {
    await using hub = await startMockHub(repository);
    const environment = { HF_ENDPOINT: hub.endpoint, HF_HOME: join(work, "ours"), HF_HUB_OFFLINE: "0" };
    const pulled = await bitmend(["pull", "someone/pocket", "--json"], { environment });
    const { path } = JSON.parse(pulled.stdout) as { path: string };
    const offline = { ...environment, HF_HUB_OFFLINE: "1" };
    const found = await execute([python!, "-c", locate(true)], { environment: offline });
    expect(found.stdout.trim().split("\n")).toEqual([path, "0"]);
  });

  test("bitmend finds what huggingface_hub fetched, and asks nobody", async () => {
    await using hub = await startMockHub(repository);
    const environment = { HF_ENDPOINT: hub.endpoint, HF_HOME: join(work, "theirs"), HF_HUB_OFFLINE: "0" };
    const fetched = await execute([python!, "-c", locate(false)], { environment });
    expect(fetched.ended).toBe(0);
    hub.requests.length = 0;
    const inspected = await bitmend(["inspect", "someone/pocket", "--json"], { environment });
    const { directory } = JSON.parse(inspected.stdout) as { directory: string };
    expect(directory).toBe(fetched.stdout.split("\n")[0]);
    expect(hub.requests).toEqual([]);
  });
});
