/** What our user's client is told when another server refuses what was asked of it. */
import { errors, MatrixError } from "../protocol/errors.ts";
import type { Errcode } from "../protocol/errors.ts";

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

/** The refusal with its code and, where it has one, the room's version; 502 when there was none. */
export function handedThrough(error: unknown, failed: string): MatrixError {
  const message = error instanceof Error ? error.message : "No server could be reached";
  const refusal = refusalIn(error);
  if (refusal === undefined) return errors.unknown(`${failed}: ${message}`, 502);
  const version = (error as MatrixError).extra?.["room_version"];
  const extra = typeof version === "string" ? { room_version: version } : undefined;
  return new MatrixError(refusal.status, refusal.code, message, extra);
}
