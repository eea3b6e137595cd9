import type { BitmendError } from "../util/errors.ts";

/** How one attempt at one request ended. */
export type Attempt<Answer> =
  | { readonly type: "answer"; readonly answer: Answer }
  | {
      /** It may succeed later, or elsewhere. */
      readonly type: "passing";
      readonly reason: string;
      /** Whose failure it counts as: another request would have failed likewise, or perhaps not. */
      readonly blame: "server" | "request";
      /** As the server asks, at least; 0 where it does not. */
      readonly pauseMs: number;
    }
  | {
      /** The server takes no such request, or this request no server. */
      readonly type: "refused";
      readonly by: "server" | "request";
      readonly error: BitmendError;
    };
