import { errors } from "../protocol/errors.ts";

/** The state of a client: a log position, and the serial of ephemeral data (typing, presence). */
export interface SyncToken {
  readonly position: number;
  readonly ephemeral: number;
}

/** Rises when the content of tokens changes; older tokens can still be read. */
const VERSION = 2;
/** `s<version>_<position>_<ephemeral serial>`; version 1 had no version in it. */
const SHAPE = /^s(?:([1-9]\d{0,2})_)?(\d{1,15})_(\d{1,16})$/;

/** Opaque to clients; /messages and /members accept it too. */
export function formatSyncToken(token: SyncToken): string {
  return `s${VERSION}_${token.position}_${token.ephemeral}`;
}

/** The token; undefined when the text is no token of this server, or one of a later version. */
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
