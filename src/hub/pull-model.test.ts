import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { gitHash, sha256, startMockHub, type MockRepository } from "../../test/mock-hub.ts";
import { consume } from "../util/consume.ts";
import { cachedModel } from "./hub-cache.ts";
import type { HubId } from "./hub-id.ts";
import type { HubSettings } from "./hub-settings.ts";
import { pullModel, type PulledModel } from "./pull-model.ts";

const root = mkdtempSync(join(tmpdir(), "bitmend-hub-"));
afterAll(() => rmSync(root, { recursive: true }));

const commit = "0123456789abcdef0123456789abcdef01234567";
const config = Buffer.from('{"model_type":"llama"}');
const weights = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 251);
const repository: MockRepository = {
  id: "org/name",
  commit,
  files: new Map([
    ["config.json", config],
    ["model.safetensors", weights],
    ["pytorch_model.bin", weights],
    ["README.md", Buffer.from("#")],
  ]),
};
const id: HubId = { repository: "org/name", revision: "main", file: null };

let caches = 0;
function settingsFor(endpoint: string, more: Partial<HubSettings> = {}): HubSettings {
  return { endpoint, cacheDirectory: join(root, String(caches++)), token: null, offline: false, ...more };
}

async function pulled(asked: HubId, settings: HubSettings, signal?: AbortSignal): Promise<PulledModel> {
  return consume(pullModel(asked, { settings, signal, firstPauseMs: 1 }), () => {});
}

describe("pullModel", () => {
  it("lays the cache out as Hugging Face tools do, with only the files that are needed", async () => {
    await using hub = await startMockHub(repository);
    const settings = settingsFor(hub.endpoint);
    const model = await pulled(id, settings);
    const folder = join(settings.cacheDirectory, "models--org--name");
    const snapshot = join(folder, "snapshots", commit);
    expect(model).toMatchObject({ path: snapshot, commit, files: 2, fetchedBytes: 300_022 });
    expect(readdirSync(snapshot).toSorted()).toEqual(["config.json", "model.safetensors"]);
    expect(readdirSync(join(folder, "blobs")).toSorted()).toEqual(
      [gitHash(config), sha256(weights)].toSorted(),
    );
    expect(readlinkSync(join(snapshot, "model.safetensors"))).toBe(`../../blobs/${sha256(weights)}`);
    expect(readFileSync(join(folder, "refs/main"), "utf8")).toBe(commit);
    expect(new Uint8Array(readFileSync(join(snapshot, "model.safetensors")))).toEqual(weights);
    expect(cachedModel(settings.cacheDirectory, id)).toBe(snapshot);
    const again = await pulled(id, settings);
    expect(again.fetchedBytes).toBe(0);
  });

  it("goes on in the middle of a file after cut connections, and waits as Retry-After says", async () => {
    await using hub = await startMockHub(repository);
    hub.mishaps.push(
      { path: "/revision/main", status: 429, headers: { "Retry-After": "0" } },
      { path: "model.safetensors", status: 503 },
      { path: "model.safetensors", cutAfter: 100_000 },
      { path: "model.safetensors", cutAfter: 50_000 },
    );
    const { path } = await pulled(id, settingsFor(hub.endpoint));
    expect(new Uint8Array(readFileSync(join(path, "model.safetensors")))).toEqual(weights);
    const starts = hub.requests
      .filter((line) => line.includes("/cdn/"))
      .map((line) => /bytes=(\d+)-/u.exec(line)?.[1]);
    expect(starts.filter((start) => start !== undefined).length).toBeGreaterThanOrEqual(2);
  });

  it("goes on after an interrupted call", async () => {
    await using hub = await startMockHub(repository);
    const settings = settingsFor(hub.endpoint);
    const stop = new AbortController();
    hub.mishaps.push({ path: "model.safetensors", cutAfter: 120_000 });
    const stopped = consume(pullModel(id, { settings, signal: stop.signal, firstPauseMs: 1 }), (event) => {
      if (event.type === "progress" && event.bytes > 60_000) stop.abort();
    });
    await expect(stopped).rejects.toThrow("abort");
    expect(cachedModel(settings.cacheDirectory, id)).toBeNull();
    await pulled(id, settings);
    expect(hub.requests.findLast((line) => line.includes("/cdn/"))).toMatch(/bytes=[1-9]/u);
    expect(cachedModel(settings.cacheDirectory, id)).not.toBeNull();
  });

  it("takes turns with another call on the same repository", async () => {
    await using hub = await startMockHub(repository);
    const settings = settingsFor(hub.endpoint);
    const locks = join(settings.cacheDirectory, ".locks/models--org--name");
    mkdirSync(locks, { recursive: true });
    // The parent of this process is alive for as long as the test runs.
    writeFileSync(join(locks, "lock"), String(process.ppid));
    let waited = 0;
    const result = consume(pullModel(id, { settings }), (event) => {
      if (event.type !== "waiting") return;
      waited++;
      rmSync(join(locks, "lock"));
    });
    await expect(result).resolves.toMatchObject({ commit });
    expect(waited).toBe(1);
  });

  it("refuses bytes that are not those the hub announced, and leaves none behind", async () => {
    const damaged = weights.with(5, 99);
    await using hub = await startMockHub({
      ...repository,
      wrongBytes: new Map([["model.safetensors", damaged]]),
    });
    const settings = settingsFor(hub.endpoint);
    await expect(pulled(id, settings)).rejects.toMatchObject({ code: "hub/wrong-bytes" });
    const blobs = join(settings.cacheDirectory, "models--org--name/blobs");
    expect(readdirSync(blobs)).toEqual([gitHash(config)]);
  });

  it("refuses more bytes than were announced", async () => {
    const longer = new Uint8Array(400_000);
    await using hub = await startMockHub({
      ...repository,
      wrongBytes: new Map([["model.safetensors", longer]]),
    });
    await expect(pulled(id, settingsFor(hub.endpoint))).rejects.toMatchObject({ code: "hub/wrong-bytes" });
  });

  it("refuses what cannot fit on the disk before it fetches anything", async () => {
    await using hub = await startMockHub({
      ...repository,
      claimedSizes: new Map([["model.safetensors", 2 ** 52]]),
    });
    await expect(pulled(id, settingsFor(hub.endpoint))).rejects.toMatchObject({ code: "files/disk-full" });
    expect(hub.requests.some((line) => line.includes("/resolve/"))).toBe(false);
  });

  it.each(["..", ".hidden.json", "a\\b.json", "C:x.json"])("refuses a file named %j", async (name) => {
    const files = new Map([...repository.files, [name, config]]);
    await using hub = await startMockHub({ ...repository, files });
    const settings = settingsFor(hub.endpoint);
    await expect(pulled(id, settings)).rejects.toMatchObject({ code: "hub/unsafe-name" });
    expect(existsSync(settings.cacheDirectory)).toBe(false);
  });

  it("says how to get access, and sends the token to the hub alone", async () => {
    await using hub = await startMockHub({ ...repository, token: "hf_secret", gated: true });
    const gated = pulled(id, settingsFor(hub.endpoint));
    await expect(gated).rejects.toMatchObject({
      code: "hub/gated",
      message: expect.stringContaining("HF_TOKEN"),
    });
    const allowed = pulled(id, settingsFor(hub.endpoint, { token: "hf_secret" }));
    await expect(allowed).resolves.toMatchObject({ commit });
  });

  it.each([
    [{ ...id, repository: "org/other" }, "hub/not-found", "does not exist"],
    [{ ...id, revision: "v9" }, "hub/not-found", "revision"],
  ])("says what is not there: %j", async (asked, code, words) => {
    await using hub = await startMockHub(repository);
    const missing = pulled(asked, settingsFor(hub.endpoint));
    await expect(missing).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it("asks nobody when it is offline, and says when nobody answers", async () => {
    const nowhere = settingsFor("http://127.0.0.1:9");
    await expect(pulled(id, { ...nowhere, offline: true })).rejects.toMatchObject({ code: "hub/offline" });
    await expect(pulled(id, nowhere)).rejects.toMatchObject({ code: "hub/unreachable" });
  });

  it("takes the one GGUF file that is meant", async () => {
    const files = new Map([
      ["m.Q4_0.gguf", weights],
      ["m.Q8_0.gguf", weights.with(0, 1)],
    ]);
    await using hub = await startMockHub({ ...repository, files });
    const settings = settingsFor(hub.endpoint);
    await expect(pulled(id, settings)).rejects.toMatchObject({ code: "hub/which-file" });
    const { path } = await pulled({ ...id, file: "q8_0" }, settings);
    expect(path).toMatch(/snapshots\/.*\/m\.Q8_0\.gguf$/u);
    expect(cachedModel(settings.cacheDirectory, { ...id, file: "q8_0" })).toBe(path);
  });

  it("does not take a snapshot for a model whose shards are not all there", () => {
    const cacheDirectory = join(root, "half");
    const snapshot = join(cacheDirectory, "models--org--name/snapshots", commit);
    mkdirSync(snapshot, { recursive: true });
    const index = { weight_map: { a: "model-1.safetensors", b: "model-2.safetensors" } };
    writeFileSync(join(snapshot, "model.safetensors.index.json"), JSON.stringify(index));
    writeFileSync(join(snapshot, "config.json"), config);
    writeFileSync(join(snapshot, "model-1.safetensors"), weights);
    expect(cachedModel(cacheDirectory, { ...id, revision: commit })).toBeNull();
    writeFileSync(join(snapshot, "model-2.safetensors"), weights);
    expect(cachedModel(cacheDirectory, { ...id, revision: commit })).toBe(snapshot);
  });
});
