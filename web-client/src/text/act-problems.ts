import { msg, str } from "@lit/localize";
import { ApiError } from "../api/errors.ts";
import { explain } from "./problems.ts";

/** Codes that `explain` has better words for than the server, whoever asks. */
const PLAIN = new Set([
  "M_USER_IN_USE",
  "M_INVALID_USERNAME",
  "M_WEAK_PASSWORD",
  "M_EXCLUSIVE",
  "M_UNKNOWN_TOKEN",
  "M_MISSING_TOKEN",
  "M_LIMIT_EXCEEDED",
  "M_TOO_LARGE",
]);

/** What went wrong with something that an administrator did. The server knows it best. */
export function explainAct(error: unknown): string {
  if (error instanceof ApiError && error.status < 500 && !PLAIN.has(error.errcode)) {
    return msg(str`The server said: ${error.message}`);
  }
  return explain(error);
}
