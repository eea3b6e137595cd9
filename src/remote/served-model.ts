import { z } from "zod";
import { BitmendError } from "../util/errors.ts";
import { requestHeaders, serverRefusal } from "./ask-server.ts";
import { exchange } from "./exchange.ts";
import { errorWords } from "./remote-answer.ts";
import type { RemoteModel } from "./remote-model.ts";

/** A list of models takes no computing. */
const TIMEOUT_MS = 15_000;
const MAX_SHOWN_NAMES = 8;

const listSchema = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      /** vLLM, SGLang: the directory or hub id. */
      root: z.string().nullish(),
      /** llama.cpp: tells files of one name apart. */
      meta: z
        .object({ n_vocab: z.number(), n_embd: z.number(), n_params: z.number(), size: z.number() })
        .partial()
        .nullish(),
    }),
  ),
});

type Listed = z.infer<typeof listSchema>["data"][number];

/**
 * What the servers' lists of models say of a model that tells it from another of its name, as JSON; "null" where they say nothing.
 *
 * A server that cannot be reached, or has no such list, says nothing: whether it works shows when it is asked.
 *
 * @throws {BitmendError} `remote/no-access` for a missing or wrong key, `remote/no-model` naming what is served instead,
 * `remote/different-models` when servers say different things.
 */
export async function servedModel(
  { name, servers }: RemoteModel,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<string> {
  const lists = await Promise.all(servers.map(async (server) => listModels(server, signal)));
  const missing = lists.flatMap((listed, index) =>
    listed === null || listed.some(({ id }) => id === name)
      ? []
      : [`${servers[index]!} serves ${names(listed)}`],
  );
  if (missing.length > 0) {
    throw new BitmendError("remote/no-model", `servedModel(): expected ${name}, but ${missing.join("; ")}.`, {
      hint: "Name one of these after #.",
    });
  }
  const known = lists.flatMap((listed, index) => {
    const own = listed?.find(({ id }) => id === name);
    return own === undefined ? [] : [{ server: servers[index]!, says: distinction(own) }];
  });
  const [first = { says: "null" }] = known;
  const others = known.filter(({ says }) => says !== first.says);
  if (others.length === 0) return first.says;
  throw new BitmendError(
    "remote/different-models",
    `servedModel(): expected one model of the name ${name}, got ${known.map(({ server, says }) => `${server}: ${says}`).join("; ")}.`,
    { hint: "Evaluate them apart." },
  );
}

function distinction({ root, meta }: Listed): string {
  if ((root ?? null) === null && (meta ?? null) === null) return "null";
  return JSON.stringify({ ...(root === undefined ? {} : { root }), ...(meta === undefined ? {} : { meta }) });
}

function names(listed: readonly Listed[]): string {
  const shown = listed.slice(0, MAX_SHOWN_NAMES).map(({ id }) => id.slice(0, 120));
  const more = listed.length - shown.length;
  return `${shown.join(", ") || "none"}${more > 0 ? ` and ${more} more` : ""}`;
}

async function listModels(
  server: string,
  signal: AbortSignal | undefined,
): Promise<readonly Listed[] | null> {
  const options = { method: "GET", headers: requestHeaders(server), timeoutMs: TIMEOUT_MS, signal } as const;
  const exchanged = await exchange(`${server}/models`, options).catch(() => null);
  signal?.throwIfAborted();
  if (exchanged === null) return null;
  const { status, body } = exchanged;
  if (status === 401 || status === 403) {
    const { message } = errorWords(body);
    throw serverRefusal(server, status, `status ${status}${message === "" ? "" : `: ${message}`}`);
  }
  try {
    return status === 200 ? listSchema.parse(JSON.parse(body)).data : null;
  } catch {
    return null;
  }
}
