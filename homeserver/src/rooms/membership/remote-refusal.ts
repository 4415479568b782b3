/** Turns another server's refusal into the answer to our client. */
import { Unstorable } from "../../log/types.ts";
import { QueueFull } from "../../platform/fair-queue.ts";
import { errors, MatrixError, Rejection } from "../../protocol/errors.ts";
import type { Errcode } from "../../protocol/errors.ts";
import { JsonError } from "../../protocol/json.ts";

interface Refusal {
  readonly status: number;
  readonly code: Errcode;
}

/**
 * Status and code when the error refuses the request itself; undefined when the server has trouble.
 */
export function refusalIn(error: unknown): Refusal | undefined {
  if (!(error instanceof MatrixError)) return undefined;
  const { status, errcode: code } = error;
  return status >= 400 && status < 500 ? { status, code } : undefined;
}

/** Codes that say that this server's request was wrong, not the user's wish. */
const OUR_FAULTS: ReadonlySet<string> = new Set([
  ...["M_INVALID_PARAM", "M_MISSING_PARAM", "M_BAD_JSON", "M_NOT_JSON", "M_UNRECOGNIZED"],
]);

/**
 * 502 when the other server refuses the form of our signed event: the user cannot do anything about
 * it. Other errors are returned as they are.
 */
export function asOurFault(error: unknown, failed: string): unknown {
  const { code } = refusalIn(error) ?? {};
  if (code === undefined || !OUR_FAULTS.has(code)) return error;
  return errors.unknown(`${failed}: ${(error as Error).message}`, 502);
}

/**
 * Whether the error comes from another server's answer, or its absence, rather than from this
 * server.
 */
function isTheirs(error: unknown): error is Error | undefined {
  return (
    error === undefined ||
    error instanceof MatrixError ||
    error instanceof JsonError ||
    error instanceof Rejection ||
    error instanceof Unstorable ||
    error instanceof QueueFull
  );
}

/**
 * The refusal with its code and, if given, the room version; 502 when there was no refusal.
 * @throws the error itself when it is this server's own: no other server is blamed, and the client
 * learns nothing of the inside
 */
export function handedThrough(error: unknown, failed: string): MatrixError {
  if (!isTheirs(error)) throw error;
  const message = error?.message ?? "No server could be reached";
  const refusal = refusalIn(error);
  if (refusal === undefined) return errors.unknown(`${failed}: ${message}`, 502);
  const version = (error as MatrixError).extra?.["room_version"];
  const extra = typeof version === "string" ? { room_version: version } : undefined;
  return new MatrixError(refusal.status, refusal.code, message, extra);
}
