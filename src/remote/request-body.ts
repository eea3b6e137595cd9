/** One message of a chat. */
interface RemoteMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What a server is asked: messages that it puts into its chat template, or a text that it continues. */
export type RemotePrompt =
  | { readonly type: "chat"; readonly messages: readonly RemoteMessage[] }
  | { readonly type: "text"; readonly text: string; readonly stop: readonly string[] };

/** One completion that is wanted. */
export interface RemoteRequest {
  /** Unique; names the completion. */
  readonly id: string;
  readonly prompt: RemotePrompt;
  readonly seed: number;
}

/** How completions are drawn. */
export interface RemoteSampling {
  readonly maxNewTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** Further fields of every request, e.g. `{"top_k": 20}`; null leaves one of ours out. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export type RequestBody = Readonly<Record<string, unknown>>;

/** What the server is sent, without streaming; equal bodies ask for equal completions. */
export function requestBody(
  model: string,
  { prompt, seed }: RemoteRequest,
  { maxNewTokens, temperature, topP, fields }: RemoteSampling,
): RequestBody {
  const body = {
    model,
    ...promptFields(prompt),
    max_tokens: maxNewTokens,
    temperature,
    ...(temperature === 0 ? {} : { top_p: topP }),
    seed,
    ...fields,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

function promptFields(prompt: RemotePrompt): RequestBody {
  if (prompt.type === "chat") {
    return { messages: prompt.messages.map(({ role, content }) => ({ role, content })) };
  }
  return { prompt: prompt.text, ...(prompt.stop.length === 0 ? {} : { stop: prompt.stop }) };
}

/** The path that a body belongs to, under a base URL. */
export function requestPath(body: RequestBody): string {
  return "messages" in body ? "/chat/completions" : "/completions";
}
