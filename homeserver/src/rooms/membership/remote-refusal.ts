/** What our user's client is told when another server refuses what was asked of it. */
import { Unstorable } from "../../log/types.ts";
import { QueueFull } from "../../platform/fair-queue.ts";
import { errors, MatrixError, Rejection } from "../../protocol/errors.ts";
import type { Errcode } from "../../protocol/errors.ts";
import { JsonError } from "../../protocol/json.ts";

interface Refusal {
  readonly status: number;
  readonly code: Errcode;
}

/** Status and code when it is a refusal of the request, rather than a server in trouble. */
export function refusalIn(error: unknown): Refusal | undefined {
  if (!(error instanceof MatrixError)) return undefined;
  const { status, errcode: code } = error;
  return status >= 400 && status < 500 ? { status, code } : undefined;
}

/** By these another server says that this one's request was wrong, not the user's wish. */
const OUR_FAULTS: ReadonlySet<string> = new Set([
  ...["M_INVALID_PARAM", "M_MISSING_PARAM", "M_BAD_JSON", "M_NOT_JSON", "M_UNRECOGNIZED"],
]);

/**
 * 502 where the refusal is of our signed event's form: the user can mend nothing. The error as it
 * is otherwise.
 */
export function asOurFault(error: unknown, failed: string): unknown {
  const { code } = refusalIn(error) ?? {};
  if (code === undefined || !OUR_FAULTS.has(code)) return error;
  return errors.unknown(`${failed}: ${(error as Error).message}`, 502);
}

/**
 * Whether it comes of what another server answered, or did not answer, rather than of this server's
 * own troubles.
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
 * The refusal with its code and, where it has one, the room's version; 502 when there was none.
 * @throws the error as it is, where it is this server's: no other server is to blame, and no client
 * is told of the inside
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
