import { errors } from "../protocol/errors.ts";

/** How far a client is: the log's position, and the serial of what is not in the log (typing, presence). */
export interface SyncToken {
  readonly position: number;
  readonly ephemeral: number;
}

/** Rises when a token says something else, or more: what was given out before is still read. */
const VERSION = 2;
/** `s<version>_<position>_<ephemeral serial>`; of version 1 without the version. */
const SHAPE = /^s(?:(\d{1,3})_)?(\d{1,15})_(\d{1,16})$/;

/** Opaque to clients; /messages and /members take it too. */
export function formatSyncToken(token: SyncToken): string {
  return `s${VERSION}_${token.position}_${token.ephemeral}`;
}

/** The token, or undefined when the text is none of ours: of a later version, too. */
export function readSyncToken(text: string): SyncToken | undefined {
  const match = SHAPE.exec(text);
  if (!match) return undefined;
  const [, version = "1", position, ephemeral] = match;
  if (Number(version) > VERSION) return undefined;
  return { position: Number(position), ephemeral: Number(ephemeral) };
}

/** @throws MatrixError 400 M_INVALID_PARAM when the text is not a token of ours. */
export function parseSyncToken(text: string): SyncToken {
  const token = readSyncToken(text);
  if (!token) {
    throw errors.invalidParam("since is not a token that this server gave out; sync without it");
  }
  return token;
}
