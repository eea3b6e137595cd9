import { BitmendError } from "../util/errors.ts";
import { chooseFiles } from "./choose-files.ts";
import { type RemoteFile, remoteFile } from "./download-blob.ts";
import { fetchSnapshot, type PullEvent } from "./fetch-snapshot.ts";
import { cachedModel } from "./hub-cache.ts";
import { hubFetch } from "./hub-fetch.ts";
import type { HubId } from "./hub-id.ts";
import { hubSettings, type HubSettings } from "./hub-settings.ts";

/** What {@link pullModel} fetched. */
export interface PulledModel {
  /** A directory, or a `.gguf` file in it. */
  readonly path: string;
  readonly commit: string;
  readonly files: number;
  readonly bytes: number;
  /** Of `bytes`, those that came over the network now. */
  readonly fetchedBytes: number;
}

/** Settings besides the id. */
export interface PullOptions {
  /** Default: those of the environment. */
  readonly settings?: HubSettings;
  readonly signal?: AbortSignal | undefined;
  /** See `hubFetch()`. */
  readonly firstPauseMs?: number;
}

/**
 * Fetches the files of a model from the Hugging Face hub into the cache that all Hugging Face tools share.
 *
 * Killed and called again it goes on in the middle of a file; two processes take turns. Every file is checked against the hash that the
 * hub has of it before it gets its name.
 *
 * @yields what comes in, in bytes
 * @throws {BitmendError} `hub/offline`, `hub/no-weights`, `hub/unsafe-name`, `files/disk-full` before the first byte, and those of
 * `chooseFiles()`, `hubFetch()` and `downloadBlob()`.
 */
export async function* pullModel(
  id: HubId,
  { settings = hubSettings(), signal, firstPauseMs }: PullOptions = {},
): AsyncGenerator<PullEvent, PulledModel, void> {
  if (settings.offline) throw offline(id);
  const named = { id: `${id.repository}@${id.revision}`, signal, ...settings };
  const request = hubFetch({ ...named, ...(firstPauseMs === undefined ? {} : { firstPauseMs }) });
  const { commit, files } = await listFiles(id, { settings, request });
  const { bytes, fetchedBytes } = yield* fetchSnapshot({ ...id, kind: "model", commit }, files, {
    settings,
    request,
    signal,
  });
  const path = cachedModel(settings.cacheDirectory, { ...id, revision: commit });
  if (path === null) throw noWeights(id);
  return { path, commit, files: files.length, bytes, fetchedBytes };
}

async function listFiles(
  id: HubId,
  { settings, request }: { settings: HubSettings; request: typeof fetch },
): Promise<{ commit: string; files: RemoteFile[] }> {
  // Loaded here: every verb would pay for it, and most models are on the disk.
  const hub = await import("@huggingface/hub");
  const { repository: name, revision } = id;
  const from = { hubUrl: settings.endpoint, fetch: request };
  const { sha: commit } = await hub.modelInfo({ ...from, name, revision, additionalFields: ["sha"] });
  if (typeof commit !== "string" || !/^[0-9a-f]{40}$/u.test(commit)) throw malformed(id, "no commit");
  const entries = new Map<string, RemoteFile>();
  for await (const entry of hub.listFiles({ ...from, repo: { type: "model", name }, revision: commit })) {
    // What lies in folders are other forms of the model.
    if (entry.type !== "file" || entry.path.includes("/")) continue;
    if (!/^(?!\.)[\w .()+-]{1,255}$/u.test(entry.path)) throw unsafeName(id, entry.path);
    if (entries.size >= 10_000) throw malformed(id, "more than 10,000 files");
    const file = remoteFile(entry, `${settings.endpoint}/${name}/resolve/${commit}`);
    if (file === null) throw malformed(id, `${entry.path} without a size or a hash`);
    entries.set(entry.path, file);
  }
  const { names } = chooseFiles([...entries.keys()], id);
  if (names.length === 0) throw noWeights(id);
  return { commit, files: names.map((chosen) => entries.get(chosen)!) };
}

function offline({ repository, revision }: HubId): BitmendError {
  return new BitmendError(
    "hub/offline",
    `pullModel(): expected ${repository}@${revision} in the cache, since HF_HUB_OFFLINE is set, but it is not there whole.`,
    { hint: "Unset HF_HUB_OFFLINE to fetch it." },
  );
}

function noWeights({ repository, revision }: HubId): BitmendError {
  return new BitmendError(
    "hub/no-weights",
    `pullModel(): expected safetensors with a config.json, or a GGUF file, in ${repository}@${revision}, got neither.`,
    { hint: "Look for a copy of the model in safetensors." },
  );
}

function unsafeName({ repository }: HubId, name: string): BitmendError {
  return new BitmendError(
    "hub/unsafe-name",
    `pullModel(): expected plain file names in ${repository}, got ${JSON.stringify(name).slice(0, 120)}.`,
    { hint: "Do not use this repository." },
  );
}

function malformed({ repository }: HubId, what: string): BitmendError {
  return new BitmendError(
    "hub/malformed",
    `pullModel(): expected the hub's list of files of ${repository}, got ${what}.`,
    {
      hint: "Check HF_ENDPOINT.",
    },
  );
}
