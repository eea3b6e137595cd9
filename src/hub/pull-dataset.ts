import { BitmendError } from "../util/errors.ts";
import { type RemoteFile, remoteFile } from "./download-blob.ts";
import { fetchSnapshot, type PullEvent } from "./fetch-snapshot.ts";
import { cachedDatasetFile } from "./hub-cache.ts";
import { hubFetch } from "./hub-fetch.ts";
import { hubSettings, type HubSettings } from "./hub-settings.ts";

/** Files of a data set on the hub at one commit. */
export interface DatasetFiles {
  /** `org/name`. */
  readonly repository: string;
  /** A commit, 40 hexadecimal digits. */
  readonly revision: string;
  /** Path of each file, and its SHA-256 where it is known from elsewhere. */
  readonly files: ReadonlyMap<string, string | null>;
}

/** More entries than any data set here has. */
const maxEntries = 20_000;

/**
 * Fetches files of a data set from the Hugging Face hub into the cache that all Hugging Face tools share; see `pullModel()`.
 *
 * Every file is checked against the hash that the hub has of it at this commit; one whose SHA-256 is known from elsewhere must have that.
 * Returns the path of each file.
 *
 * @yields what comes in, in bytes
 * @throws {BitmendError} `hub/offline`, `hub/not-found`, `hub/wrong-bytes` before the first byte, and those of `fetchSnapshot()` and
 * `hubFetch()`.
 */
export async function* pullDataset(
  { repository, revision, files }: DatasetFiles,
  options: { readonly settings?: HubSettings; readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<PullEvent, ReadonlyMap<string, string>, void> {
  const { settings = hubSettings(), signal } = options;
  const inCache = (path: string): string | null =>
    cachedDatasetFile(settings.cacheDirectory, { repository, revision, path });
  const missing = new Map([...files].filter(([path]) => inCache(path) === null));
  if (missing.size > 0) {
    const named = `data set ${repository}@${revision.slice(0, 10)}`;
    if (settings.offline) {
      throw new BitmendError(
        "hub/offline",
        `pullDataset(): expected ${[...missing.keys()].join(", ")} of ${named} in the cache, since HF_HUB_OFFLINE is set.`,
        { hint: "Unset HF_HUB_OFFLINE to fetch it, or name a file or directory with --data." },
      );
    }
    const request = hubFetch({ id: `datasets/${repository}@${revision}`, signal, ...settings });
    const listed = await listDataset({ repository, revision, files: missing }, { settings, request });
    yield* fetchSnapshot({ kind: "dataset", repository, revision, commit: revision }, listed, {
      settings,
      request,
      signal,
    });
  }
  return new Map([...files.keys()].map((path) => [path, inCache(path)!]));
}

async function listDataset(
  { repository, revision, files }: DatasetFiles,
  { settings, request }: { settings: HubSettings; request: typeof fetch },
): Promise<RemoteFile[]> {
  // Loaded here: every verb would pay for it.
  const hub = await import("@huggingface/hub");
  const found = new Map<string, RemoteFile>();
  let entries = 0;
  const repo = { type: "dataset", name: repository } as const;
  for await (const entry of hub.listFiles({
    hubUrl: settings.endpoint,
    fetch: request,
    repo,
    revision,
    recursive: true,
  })) {
    if (++entries > maxEntries) break;
    if (!files.has(entry.path)) continue;
    const file = remoteFile(entry, `${settings.endpoint}/datasets/${repository}/resolve/${revision}`);
    const known = files.get(entry.path) ?? null;
    if (file !== null && known !== null && file.checksum.kind === "sha256" && file.checksum.hex !== known) {
      throw new BitmendError(
        "hub/wrong-bytes",
        `pullDataset(): expected ${entry.path} of ${repository} with SHA-256 ${known}, but the hub has ${file.checksum.hex}.`,
        { hint: "Do not use this file." },
      );
    }
    if (file !== null) found.set(entry.path, file);
    if (found.size === files.size) break;
  }
  const absent = [...files.keys()].filter((path) => !found.has(path));
  if (absent.length > 0) {
    throw new BitmendError(
      "hub/not-found",
      `pullDataset(): expected ${absent.join(", ")} in data set ${repository} at ${revision}, got a list without.`,
      { hint: "Fetch the file yourself and name it with --data." },
    );
  }
  return [...found.values()];
}
