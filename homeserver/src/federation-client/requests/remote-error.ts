import { ERRCODES, type Errcode, MatrixError } from "../../protocol/errors.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { type JsonObject, isJsonObject } from "../../protocol/json.ts";
import { isIndexable, wellFormed } from "../../protocol/text.ts";
import { AnswerTooLarge } from "../reading/read-body.ts";

/**
 * Limit on the length of error messages, the other server's words included, in UTF-16 code units.
 */
const MAX_REASON = 500;

/**
 * Another server refused, failed or was unreachable. As an error for our own client it keeps the
 * code of a refusal (4xx), and is a 502 otherwise. Codes about sessions and rate limits concern
 * this server: they must not sign our user out, or slow them down.
 */
export class RemoteError extends MatrixError {
  readonly server: ServerName;
  /** The status they answered; undefined when there was no (usable) answer. */
  readonly remoteStatus: number | undefined;
  /** Their body, when it was a JSON object. */
  readonly remoteBody: JsonObject | undefined;

  constructor(server: ServerName, status: number | undefined, body: unknown, reason: string) {
    const object = isJsonObject(body) ? body : undefined;
    const passed = status !== undefined && isRefusal(status);
    super(
      passed ? status : 502,
      passed ? codeOf(object) : "M_UNKNOWN",
      wellFormed(reason, MAX_REASON),
      passed ? extra(object) : {},
    );
    this.name = "RemoteError";
    this.server = server;
    this.remoteStatus = status;
    this.remoteBody = object;
  }

  /** True when the server itself is in trouble, rather than the request. */
  get serverIsFailing(): boolean {
    const status = this.remoteStatus;
    return status === undefined || (status >= 500 && status !== 501);
  }

  /** True when their software does not know the endpoint. */
  get isUnsupported(): boolean {
    const { remoteStatus: status, remoteBody: body } = this;
    if (status !== 404 && status !== 405 && status !== 400) return false;
    return body === undefined ? status !== 400 : body["errcode"] === "M_UNRECOGNIZED";
  }
}

/** True when the other server told more than was asked to be read. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof RemoteError && error.cause instanceof AnswerTooLarge;
}

const OF_SERVERS: ReadonlySet<number> = new Set([401, 407, 408, 425, 429]);

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && !OF_SERVERS.has(status);
}

/** Codes on which a client ends its session, or believes that it is locked out. */
const OF_SESSIONS: ReadonlySet<string> = new Set([
  ...["M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_UNAUTHORIZED", "M_LIMIT_EXCEEDED"],
  ...["M_USER_DEACTIVATED", "M_USER_LOCKED", "M_USER_SUSPENDED"],
]);

function codeOf(body: JsonObject | undefined): Errcode {
  const code = body?.["errcode"];
  const isKnown = typeof code === "string" && Object.hasOwn(ERRCODES, code);
  return isKnown && !OF_SESSIONS.has(code) ? (code as Errcode) : "M_UNKNOWN";
}

/** The parts of their error that a client can use. */
function extra(body: JsonObject | undefined): JsonObject {
  const version = body?.["room_version"];
  return isIndexable(version) ? { room_version: version } : {};
}
