import { randomBytes } from "node:crypto";
import type { FastifyError } from "fastify";
import { LogUnavailable, StaleHead } from "../../log/types.ts";
import type { Logger } from "../../platform/logger.ts";
import { MatrixError, Rejection, errors } from "../../protocol/errors.ts";
import { JsonError } from "../../protocol/json.ts";
import { isStoreRefusing } from "../../storage/sql.ts";
import { type Reply, json } from "./reply.ts";

/** The answer to an exception, as the protocol has it. */
export function errorReply(error: unknown, log: Logger): Reply {
  return matrixErrorReply(asMatrixError(error, log));
}

/**
 * The one place where an exception becomes an error for clients. Unexpected ones become a 500 that
 * reveals nothing of the inside and carries an id that is also in the log.
 */
export function asMatrixError(error: unknown, log: Logger): MatrixError {
  const known = knownError(error);
  if (known) return known;
  if (isStoreRefusing(error)) {
    log.error({ err: error }, "the database refused");
    return errors.unknown(AWAY, 503);
  }
  const id = randomBytes(6).toString("hex");
  log.error({ err: error, errorId: id }, "request failed");
  return errors.unknown(`Internal error ${id}`);
}

/** The body of an error, and how long to wait. */
export function matrixErrorReply(error: MatrixError): Reply {
  const wait = error.extra?.["retry_after_ms"];
  const headers =
    error.status === 429 && typeof wait === "number"
      ? { "retry-after": Math.max(1, Math.ceil(wait / 1000)) }
      : {};
  return json(error.toJSON(), { status: error.status, headers });
}

/**
 * MatrixErrors, and other errors that mean something to the client; undefined for the rest. Errors
 * of the database belong to the rest whatever the input was: then a check at the edge is missing,
 * and the client is not to blame.
 */
function knownError(error: unknown): MatrixError | undefined {
  if (error instanceof MatrixError) return error;
  if (error instanceof Rejection) return errors.forbidden(error.reason);
  if (error instanceof JsonError) return jsonError(error);
  if (error instanceof StaleHead) return errors.unknown(BUSY, 503);
  if (error instanceof LogUnavailable) return errors.unknown(AWAY, 503);
  const code = (error as FastifyError | undefined)?.code;
  return typeof code === "string" ? frameworkError(code) : undefined;
}

const AWAY = "The database does not answer: try again";
const BUSY = "Other replicas of this server keep writing to that room: try again";

function jsonError(error: JsonError): MatrixError {
  return error.kind === "syntax" ? errors.notJson(error.message) : errors.badJson(error.message);
}

function frameworkError(code: string): MatrixError | undefined {
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return errors.tooLarge("The body is too large");
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
      return errors.notJson();
    case "FST_ERR_BAD_URL":
    case "FST_ERR_ASYNC_CONSTRAINT":
      return errors.invalidParam("The path is not properly percent-encoded");
    case "FST_ERR_MAX_PARAM_LENGTH":
      return errors.invalidParam("A part of the path is too long");
    case "FST_ERR_NOT_FOUND":
      return errors.unrecognized();
    default:
      return undefined;
  }
}
