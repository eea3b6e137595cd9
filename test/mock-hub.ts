import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What one request is answered with instead, in turn. */
interface Mishap {
  /** Requests whose path ends with this. */
  readonly path: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Cuts the connection after this many bytes of the body. */
  readonly cutAfter?: number;
  /** Does not cut, but sends nothing more. */
  readonly stalls?: boolean;
}

/** A repository as the mock serves it. */
export interface MockRepository {
  readonly id: string;
  readonly commit: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Bytes that are served in place of a file's own. */
  readonly wrongBytes?: ReadonlyMap<string, Uint8Array>;
  /** The token that may read it; anyone may without. */
  readonly token?: string;
  readonly gated?: boolean;
  /** Sizes that the list claims. */
  readonly claimedSizes?: ReadonlyMap<string, number>;
}

/** A server that answers as the Hugging Face hub does: model info, tree, resolve with a redirect to another host for large files. */
export interface MockHub extends AsyncDisposable {
  readonly endpoint: string;
  /** `METHOD path` and the range, of every request. */
  readonly requests: string[];
  readonly mishaps: Mishap[];
}

/** Files of this size and more are large: named by SHA-256 and served by another host. */
const LARGE_BYTES = 10_000;

/** Starts a mock of the hub on a free port of this machine. */
export async function startMockHub(repository: MockRepository): Promise<MockHub> {
  const requests: string[] = [];
  const mishaps: Mishap[] = [];
  const content = await listen((request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers.range ?? ""}`.trim());
    // A token sent to another host is a leak.
    if (request.headers.authorization !== undefined) response.writeHead(500).end("token leaked");
    else if (!mishap(mishaps, request, response)) serveBytes(repository, { request, response, mishaps });
  });
  const hub = await listen((request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers.range ?? ""}`.trim());
    if (mishap(mishaps, request, response)) return;
    answer(repository, {
      request,
      response,
      mishaps,
      contentHost: hostOf(content).replace("127.0.0.1", "localhost"),
    });
  });
  return {
    endpoint: hostOf(hub),
    requests,
    mishaps,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([close(hub), close(content)]);
    },
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly mishaps: Mishap[];
}

function answer(repository: MockRepository, exchange: Exchange & { readonly contentHost: string }): void {
  const { request, response, contentHost } = exchange;
  const { id, commit, token, gated, files } = repository;
  const url = new URL(request.url ?? "/", "http://hub");
  const json = (status: number, value: unknown, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(value));
  };
  if (!url.pathname.includes(id))
    return json(404, { error: "Repository not found" }, { "X-Error-Code": "RepoNotFound" });
  if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
    return json(
      401,
      { error: "no access" },
      { "X-Error-Code": gated === true ? "GatedRepo" : "RepoNotFound" },
    );
  }
  const info = new RegExp(`^/api/(?:models|datasets)/${id}/revision/(.+)$`, "u").exec(url.pathname);
  if (info !== null) {
    const revision = decodeURIComponent(info[1]!);
    if (!["main", "v1", "refs/pr/1", commit].includes(revision)) {
      return json(404, { error: "Invalid rev id" }, { "X-Error-Code": "RevisionNotFound" });
    }
    const siblings = [...files.keys()].map((rfilename) => ({ rfilename }));
    return json(200, { _id: "1", id, sha: commit, lastModified: "2026-01-01T00:00:00.000Z", siblings });
  }
  if (/^\/api\/(?:models|datasets)\//u.test(url.pathname) && url.pathname.endsWith(`/${id}/tree/${commit}`)) {
    return json(
      200,
      [...files].map(([path, bytes]) => treeEntry(repository, { path, bytes })),
    );
  }
  const path = decodeURIComponent(url.pathname.split(`/resolve/${commit}/`)[1] ?? "");
  const bytes = files.get(path);
  if (bytes === undefined)
    return json(404, { error: "Entry not found" }, { "X-Error-Code": "EntryNotFound" });
  response.setHeader("X-Repo-Commit", commit);
  if (bytes.length < LARGE_BYTES) {
    response.setHeader("ETag", `"${gitHash(bytes)}"`);
    return serveBytes(repository, exchange);
  }
  const linked = { "X-Linked-ETag": `"${sha256(bytes)}"`, "X-Linked-Size": String(bytes.length) };
  response.writeHead(302, { Location: `${contentHost}/cdn${url.pathname}`, ...linked }).end();
}

function treeEntry(
  { claimedSizes }: MockRepository,
  { path, bytes }: { path: string; bytes: Uint8Array },
): unknown {
  const size = claimedSizes?.get(path) ?? bytes.length;
  const entry = { type: "file", path, size, oid: gitHash(bytes) };
  if (bytes.length < LARGE_BYTES) return entry;
  return { ...entry, oid: "0".repeat(40), lfs: { oid: sha256(bytes), size, pointerSize: 134 } };
}

function serveBytes({ files, wrongBytes }: MockRepository, { request, response, mishaps }: Exchange): void {
  const path = decodeURIComponent((request.url ?? "").split(/\/resolve\/[^/]+\//u).at(-1) ?? "");
  const whole = wrongBytes?.get(path) ?? files.get(path)!;
  const start = Number(/^bytes=(\d+)-/u.exec(request.headers.range ?? "")?.[1] ?? 0);
  const part = whole.subarray(start);
  const range = start > 0 ? { "Content-Range": `bytes ${start}-${whole.length - 1}/${whole.length}` } : {};
  const cut = take(mishaps, path, ({ cutAfter }) => cutAfter !== undefined);
  response.writeHead(start > 0 ? 206 : 200, { "Content-Length": String(part.length), ...range });
  if (cut === undefined) {
    response.end(part);
    return;
  }
  response.write(part.subarray(0, cut.cutAfter), () => {
    // A client drops what it has not read when the connection breaks, so it gets time to read.
    if (cut.stalls !== true) setTimeout(() => response.destroy(), 100);
  });
}

function mishap(mishaps: Mishap[], request: IncomingMessage, response: ServerResponse): boolean {
  const path = new URL(request.url ?? "/", "http://hub").pathname;
  const found = take(mishaps, path, ({ status }) => status !== undefined);
  if (found?.status === undefined) return false;
  response.writeHead(found.status, found.headers).end();
  return true;
}

function take(mishaps: Mishap[], path: string, fits: (mishap: Mishap) => boolean): Mishap | undefined {
  const index = mishaps.findIndex((candidate) => path.endsWith(candidate.path) && fits(candidate));
  return index === -1 ? undefined : mishaps.splice(index, 1)[0];
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function gitHash(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

async function listen(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return server;
}

function hostOf(server: Server): string {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
}
