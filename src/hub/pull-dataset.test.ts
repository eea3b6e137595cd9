import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { sha256, startMockHub, type MockRepository } from "../../test/mock-hub.ts";
import { consume } from "../util/consume.ts";
import type { HubSettings } from "./hub-settings.ts";
import { pullDataset } from "./pull-dataset.ts";

const root = mkdtempSync(join(tmpdir(), "bitmend-dataset-"));
afterAll(() => rmSync(root, { recursive: true }));

const revision = "0123456789abcdef0123456789abcdef01234567";
const large = Uint8Array.from({ length: 20_000 }, (_, index) => (index * 7919) % 251);
const path = "main/test.parquet";
const repository: MockRepository = { id: "org/set", commit: revision, files: new Map([[path, large]]) };

async function pulled(settings: HubSettings, hash: string | null, name = path): Promise<string> {
  const asked = { repository: "org/set", revision, files: new Map([[name, hash]]) };
  const paths = await consume(pullDataset(asked, { settings }), () => {});
  return paths.get(name)!;
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => (error instanceof Error && "code" in error ? error.code : null),
  );
}

describe("pullDataset", () => {
  test("a file in a folder comes into datasets--org--set, and then needs no network", async () => {
    await using hub = await startMockHub(repository);
    const settings = { endpoint: hub.endpoint, cacheDirectory: join(root, "a"), token: null, offline: false };
    const file = await pulled(settings, sha256(large));
    expect(file).toBe(join(root, "a", "datasets--org--set", "snapshots", revision, path));
    expect(new Uint8Array(readFileSync(file))).toEqual(large);
    expect(await pulled({ ...settings, endpoint: "http://127.0.0.1:9", offline: true }, null)).toBe(file);
  });

  test("other bytes than known, a file that is not there, and no network are refused", async () => {
    await using hub = await startMockHub(repository);
    const settings = { endpoint: hub.endpoint, cacheDirectory: join(root, "b"), token: null, offline: false };
    expect(await codeOf(pulled(settings, sha256(Buffer.from("other"))))).toBe("hub/wrong-bytes");
    expect(await codeOf(pulled(settings, null, "main/none.parquet"))).toBe("hub/not-found");
    expect(await codeOf(pulled({ ...settings, offline: true }, null))).toBe("hub/offline");
  });
});
