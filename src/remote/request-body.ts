/** One message of a chat. */
export interface RemoteMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** One completion that is wanted. */
export interface RemoteRequest {
  /** Unique; names the completion. */
  readonly id: string;
  readonly messages: readonly RemoteMessage[];
  readonly seed: number;
}

/** How completions are drawn. */
export interface RemoteSampling {
  /** `chat`: the server applies its chat template; `completions`: the contents of the messages are the prompt, as for base models. */
  readonly api: "chat" | "completions";
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
  { messages, seed }: RemoteRequest,
  { api, maxNewTokens, temperature, topP, fields }: RemoteSampling,
): RequestBody {
  const body = {
    model,
    ...(api === "chat"
      ? { messages: messages.map(({ role, content }) => ({ role, content })) }
      : { prompt: messages.map(({ content }) => content).join("\n\n") }),
    max_tokens: maxNewTokens,
    temperature,
    ...(temperature === 0 ? {} : { top_p: topP }),
    seed,
    ...fields,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

/** The path of an API under a base URL. */
export const apiPaths: Readonly<Record<RemoteSampling["api"], string>> = {
  chat: "/chat/completions",
  completions: "/completions",
};
