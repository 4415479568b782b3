import { errors } from "../../protocol/errors.ts";

/** How far a client is: the log's position, and the serial of what is not in the log (typing, presence). */
export interface SyncToken {
  readonly position: number;
  readonly ephemeral: number;
}

const SHAPE = /^s(\d{1,15})_(\d{1,16})$/;

/** `s<position>_<ephemeral serial>`: opaque to clients; /messages and /members take it too. */
export function formatSyncToken(token: SyncToken): string {
  return `s${token.position}_${token.ephemeral}`;
}

/** @throws MatrixError 400 M_INVALID_PARAM when the text is not a token of ours. */
export function parseSyncToken(text: string): SyncToken {
  const match = SHAPE.exec(text);
  if (!match) {
    throw errors.invalidParam("since is not a token that this server gave out; sync without it");
  }
  return { position: Number(match[1]), ephemeral: Number(match[2]) };
}
