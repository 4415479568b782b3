import { MatrixError } from "../../protocol/errors.ts";
import type { JsonObject } from "../../protocol/json.ts";

/** The error codes of RFC 6749, 7009, 7591 and 8628 that are answered here. */
export type OAuthErrorCode =
  | "access_denied"
  | "authorization_pending"
  | "expired_token"
  | "interaction_required"
  | "invalid_client"
  | "invalid_client_metadata"
  | "invalid_grant"
  | "invalid_redirect_uri"
  | "invalid_request"
  | "invalid_scope"
  | "server_error"
  | "slow_down"
  | "temporarily_unavailable"
  | "unauthorized_client"
  | "unsupported_grant_type"
  | "unsupported_response_type";

/** An error of the OAuth 2.0 API: `{error, error_description}`. (RFC 6749, section 5.2.) */
export class OAuthError extends MatrixError {
  readonly code: OAuthErrorCode;

  constructor(code: OAuthErrorCode, message: string, status = 400, extra?: JsonObject) {
    super(status, "M_UNKNOWN", message, extra);
    this.name = "OAuthError";
    this.code = code;
  }

  /** The same as OAuth's, where an error is not: by its status. */
  static from(error: MatrixError, malformed: OAuthErrorCode = "invalid_request"): OAuthError {
    if (error instanceof OAuthError) return error;
    const { status, extra, errcode } = error;
    // Of an invalid grant clients conclude that the session is over, and forget it.
    if (errcode === "M_USER_LOCKED") {
      return new OAuthError("access_denied", error.message, status, { errcode, ...extra });
    }
    const code =
      status === 429 || status === 503
        ? "temporarily_unavailable"
        : status >= 500
          ? "server_error"
          : malformed;
    return new OAuthError(code, error.message, status, extra);
  }

  override toJSON(): JsonObject {
    return { error: this.code, error_description: plain(this.message), ...this.extra };
  }
}

/** Only the characters that a description may have. */
function plain(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, "'");
}
