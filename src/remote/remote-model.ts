import { BitmendError } from "../util/errors.ts";

/** A model behind the API that OpenAI made common. */
export interface RemoteModel {
  /** As the servers call it. */
  readonly name: string;
  /** Base URLs with their version path and without a slash at the end, e.g. `http://localhost:8000/v1`; all serve the same model. */
  readonly servers: readonly string[];
}

const PREFIX = "openai:";
/** More is a mistake. */
const MAX_SERVERS = 64;

/** True for what {@link parseRemoteModel} reads. */
export function isRemoteModel(model: string): boolean {
  return model.startsWith(PREFIX);
}

/**
 * Reads `openai:URL#name` or `openai:URL1,URL2#name`; a URL without a path gets `/v1`.
 *
 * @throws {BitmendError} `remote/bad-model` naming everything that is wrong with it.
 */
export function parseRemoteModel(model: string): RemoteModel {
  const hash = model.indexOf("#");
  const name = hash === -1 ? "" : model.slice(hash + 1).trim();
  const urls = model.slice(PREFIX.length, hash === -1 ? undefined : hash).split(",");
  const parsed = urls.map((url) => baseUrl(url.trim()));
  const complaints = [
    ...(isRemoteModel(model) ? [] : [`"${PREFIX}" is missing`]),
    ...(name === "" ? ["no model name after #"] : []),
    ...(urls.length > MAX_SERVERS ? [`${urls.length} servers, more than ${MAX_SERVERS}`] : []),
    ...parsed.flatMap((url) => ("complaint" in url ? [url.complaint] : [])),
  ];
  if (complaints.length > 0) {
    throw new BitmendError(
      "remote/bad-model",
      `parseRemoteModel(): expected openai:URL#name, got ${withoutSecrets(model)} (${complaints.slice(0, 5).join("; ")}).`,
      { hint: "For example openai:http://localhost:8000/v1#Qwen/Qwen3-8B; several servers with commas." },
    );
  }
  const servers = parsed.flatMap((url) => ("base" in url ? [url.base] : []));
  return { name, servers: [...new Set(servers)] };
}

function baseUrl(text: string): { readonly base: string } | { readonly complaint: string } {
  if (!URL.canParse(text)) return { complaint: `"${withoutSecrets(text)}" is no URL` };
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return { complaint: `${url.protocol} is not http(s)` };
  if (url.username !== "" || url.password !== "") {
    return { complaint: "a name or password stands in the URL, where records would show it" };
  }
  if (url.search !== "") return { complaint: "a query stands in the URL" };
  const path = url.pathname.replace(/\/+$/u, "");
  return { base: `${url.origin}${path === "" ? "/v1" : path}` };
}

/** Errors are shown and kept, so what stands before an @ or after a ? is left out. */
function withoutSecrets(text: string): string {
  return text.replaceAll(/\/\/[^/@,#]*@/gu, "//…@").replaceAll(/\?[^,#]*/gu, "?…");
}
