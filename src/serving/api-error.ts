import { BitmendError, type ErrorCode } from "../util/errors.ts";

/** What a client did wrong, or why it is not answered, in OpenAI's words. */
interface ApiErrorDetails {
  readonly status: number;
  /** OpenAI's `code`, which clients match on; null where OpenAI has none. */
  readonly apiCode?: string | null;
  /** The parameter at fault. */
  readonly param?: string | null;
  readonly cause?: unknown;
}

/** A failure that a client is told about: an HTTP status and an error object in OpenAI's shape. */
export class ApiError extends BitmendError {
  readonly status: number;
  readonly #apiCode: string | null;
  readonly #param: string | null;

  constructor(
    code: ErrorCode,
    message: string,
    { status, apiCode = null, param = null, cause }: ApiErrorDetails,
  ) {
    super(code, message, cause === undefined ? {} : { cause });
    this.status = status;
    this.#apiCode = apiCode;
    this.#param = param;
  }

  /** The response's body. */
  body(): object {
    return {
      error: {
        message: this.message,
        type: errorType(this.status),
        param: this.#param,
        code: this.#apiCode ?? this.code,
      },
    };
  }
}

/** Turns whatever was thrown into what the client is told; inner causes stay inside. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof BitmendError) {
    // What these complain of is the request's doing.
    const isRequest = ["generation/bad-request", "generation/bad-options", "tokenizer/bad-chat-template"];
    if (isRequest.includes(error.code)) return new ApiError(error.code, error.message, { status: 400 });
    if (error.code === "generation/closed")
      return new ApiError("serving/closing", "The server is shutting down.", { status: 503 });
  }
  return new ApiError("serving/failed", "The server failed to answer this request.", {
    status: 500,
    cause: error,
  });
}

/** https://platform.openai.com/docs/guides/error-codes */
function errorType(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}
