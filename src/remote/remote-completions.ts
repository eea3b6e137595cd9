import type { CompletionEvent, GenerationEvent } from "../generation/events.ts";
import { type AnswerCache, contentKey } from "./answer-cache.ts";
import { askServer } from "./ask-server.ts";
import type { RemoteAnswer } from "./remote-answer.ts";
import type { RemoteModel } from "./remote-model.ts";
import {
  type RemoteRequest,
  type RemoteSampling,
  requestBody,
  type RequestBody,
  requestPath,
} from "./request-body.ts";
import { shareRequests } from "./share-requests.ts";
import type { TokenUsage } from "./token-usage.ts";

export interface RemoteGeneration {
  readonly model: RemoteModel;
  /** What tells the model from another of its name ({@link servedModel}). */
  readonly identity: string;
  readonly sampling: RemoteSampling;
  /** Requests that one server works on at once. */
  readonly concurrency: number;
  /** Until one answer is whole. */
  readonly timeoutMs: number;
  readonly cache: AnswerCache;
  readonly usage: TokenUsage;
  /** Of the pause after a server's first failure. */
  readonly firstPauseMs?: number;
}

interface KeyedRequest {
  readonly id: string;
  readonly body: RequestBody;
  readonly key: string;
}

/**
 * Completes requests by a model behind an API, those of the cache first, the others shared among the servers.
 *
 * @yields Completions as they come, and progress after those that were asked.
 * @throws {BitmendError} those of `shareRequests()` and `askServer()`.
 */
export async function* remoteCompletions(
  requests: readonly RemoteRequest[],
  generation: RemoteGeneration,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<GenerationEvent, void, void> {
  const { model, sampling, cache, usage, identity } = generation;
  const open: KeyedRequest[] = [];
  for (const request of requests) {
    const body = requestBody(model.name, request, sampling);
    const key = contentKey({ identity, body });
    const known = cache.get(key);
    if (known === undefined) open.push({ id: request.id, body, key });
    else {
      usage.add("cached", known);
      yield completionEvent(request.id, known);
    }
  }
  const startedAt = performance.now();
  let finished = requests.length - open.length;
  const answers = shareRequests(open, sharingOptions(generation, signal));
  try {
    for (;;) {
      // oxlint-disable-next-line eslint/no-await-in-loop -- answers are taken as they come
      const next = await answers.next();
      if (next.done === true) {
        usage.setServers(next.value);
        return;
      }
      yield completionEvent(next.value.request.id, next.value.answer);
      const tokensPerSecond = (1000 * usage.newTokens) / Math.max(performance.now() - startedAt, 1);
      yield { type: "progress", finished: ++finished, total: requests.length, tokensPerSecond };
    }
  } finally {
    // Whoever stops reading early leaves nothing running.
    await answers.return([]);
  }
}

function sharingOptions(
  { model, concurrency, timeoutMs, cache, usage, firstPauseMs }: RemoteGeneration,
  signal: AbortSignal | undefined,
): Parameters<typeof shareRequests<KeyedRequest, RemoteAnswer>>[1] {
  return {
    servers: model.servers,
    concurrency,
    signal,
    ...(firstPauseMs === undefined ? {} : { firstPauseMs }),
    attempt: async (server, { body, key }, stopped) => {
      const attempt = await askServer({ server, path: requestPath(body), body, timeoutMs, signal: stopped });
      if (attempt.type === "answer") {
        // Kept before anyone reads it: it is paid for.
        cache.add(key, attempt.answer);
        usage.add("asked", attempt.answer);
      }
      return attempt;
    },
  };
}

function completionEvent(id: string, { text, finish, completionTokens }: RemoteAnswer): CompletionEvent {
  return { type: "completion", id, text, finish, tokenIds: [], tokens: completionTokens ?? 0 };
}
