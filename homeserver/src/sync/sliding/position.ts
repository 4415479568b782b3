import { formatSyncToken, readSyncToken, type SyncToken } from "../../log/token.ts";
import { matrixError, type MatrixError } from "../../protocol/errors.ts";

/** What a client has: the state of a connection, and up to where it was told. */
export interface SlidingPosition {
  /** Version of the connection's state. */
  readonly version: number;
  readonly token: SyncToken;
}

/** `<sync token>-<version>`: whatever reads sync tokens reads a position, too. */
export function formatPosition({ version, token }: SlidingPosition): string {
  return `${formatSyncToken(token)}-${version}`;
}

/** @throws MatrixError 400 M_UNKNOWN_POS when it is not a position of ours. */
export function parsePosition(text: string): SlidingPosition {
  const token = readSyncToken(text);
  const version = /-(\d{1,15})$/.exec(text)?.[1];
  if (token === undefined || version === undefined) throw unknownPosition();
  return { version: Number(version), token };
}

export function unknownPosition(): MatrixError {
  return matrixError("M_UNKNOWN_POS", "The position is not known any more; start without one");
}
