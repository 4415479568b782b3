import { ERRCODES, type Errcode, MatrixError } from "../protocol/errors.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { type JsonObject, isJsonObject } from "../protocol/json.ts";

/**
 * Another server refused, failed or was not there. As an error for our own client it keeps the code
 * of a refusal (400, 403, 404, 409), and is a 502 otherwise: a 401 of theirs must not sign our user out.
 */
export class RemoteError extends MatrixError {
  readonly server: ServerName;
  /** The status they answered; undefined when there was no (usable) answer. */
  readonly remoteStatus: number | undefined;
  /** Their body, when it was a JSON object. */
  readonly remoteBody: JsonObject | undefined;

  constructor(server: ServerName, status: number | undefined, body: unknown, reason: string) {
    const object = isJsonObject(body) ? body : undefined;
    const passed = status !== undefined && [400, 403, 404, 409].includes(status);
    super(
      passed ? status : 502,
      passed ? codeOf(object) : "M_UNKNOWN",
      reason,
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

function codeOf(body: JsonObject | undefined): Errcode {
  const code = body?.["errcode"];
  return typeof code === "string" && Object.hasOwn(ERRCODES, code)
    ? (code as Errcode)
    : "M_UNKNOWN";
}

/** What a client can use of their error. */
function extra(body: JsonObject | undefined): JsonObject {
  const version = body?.["room_version"];
  return typeof version === "string" ? { room_version: version } : {};
}
