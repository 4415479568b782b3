import { msg, str } from "@lit/localize";
import { ApiError, NetworkError } from "../api/errors.ts";
import { EncryptionError } from "../encryption/errors.ts";
import { explainEncryption } from "./encryption.ts";

/** What to tell the person for each error code: what is the matter, and what helps. */
function byCode(error: ApiError): string | undefined {
  switch (error.errcode) {
    case "M_FORBIDDEN":
      return msg(
        "You are not allowed to do this here. Someone with more rights in the room may help.",
      );
    case "M_UNKNOWN_TOKEN":
    case "M_MISSING_TOKEN":
      return msg("Your session has ended. Sign in again.");
    case "M_USER_DEACTIVATED":
      return msg("This account has been closed. Ask whoever runs the server.");
    case "M_USER_LOCKED":
      return msg(
        "This account is locked: nothing can be read or written with it until whoever runs the server unlocks it.",
      );
    case "M_USER_SUSPENDED":
      return msg(
        "This account is suspended: you can read and leave rooms, but not write, join or change anything. Ask whoever runs the server why.",
      );
    case "M_LIMIT_EXCEEDED": {
      const seconds = Math.ceil((error.retryAfter ?? 5000) / 1000);
      return msg(str`That was a bit fast. Try again in ${seconds} s.`);
    }
    case "M_NOT_FOUND":
      return msg("Nothing was found there. Check the address for typing errors.");
    case "M_USER_IN_USE":
      return msg("This name is taken. Choose another one.");
    case "M_INVALID_USERNAME":
      return msg("Names are made of a–z, 0–9 and . _ = - / +. Choose another one.");
    case "M_EXCLUSIVE":
      return msg("This name is kept for a bridge. Choose another one.");
    case "M_WEAK_PASSWORD":
      return msg("This password is too weak. Choose a longer one.");
    case "M_ROOM_IN_USE":
      return msg("This room address is taken. Choose another one.");
    case "M_TOO_LARGE":
      return msg("This is too large for the server. Send something smaller.");
    case "M_UNSUPPORTED_ROOM_VERSION":
    case "M_INCOMPATIBLE_ROOM_VERSION":
      return msg("The room is of a kind that this server does not know.");
    case "M_BAD_ALIAS":
    case "M_INVALID_ROOM_STATE":
      return msg("The server does not accept these settings. Check the room’s address.");
    case "M_UNABLE_TO_AUTHORISE_JOIN":
    case "M_UNABLE_TO_GRANT_JOIN":
      return msg("No server could let you in. Ask someone in the room for an invitation.");
    case "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM":
      return msg("This room brings news from the server and cannot be left.");
    default:
      return undefined;
  }
}

/** A sentence for a person, whatever went wrong. */
export function explain(error: unknown): string {
  if (error instanceof NetworkError) {
    return msg("The server cannot be reached. Check your connection; Weft goes on trying.");
  }
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return msg("The server took too long to answer. Try again.");
  }
  if (error instanceof EncryptionError) return explainEncryption(error.problem);
  if (error instanceof ApiError) {
    const known = byCode(error);
    if (known !== undefined) return known;
    if (error.status >= 500)
      return msg("The server had a problem of its own. Try again in a moment.");
    return msg(str`The server said: ${error.message}`);
  }
  return msg("That did not work. Try again.");
}
