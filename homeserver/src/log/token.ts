import { errors } from "../protocol/errors.ts";

/** The state of a client: a log position, and the serial of ephemeral data (typing, presence). */
export interface SyncToken {
  readonly position: number;
  readonly ephemeral: number;
  /** Log position of the last message that its device got, while more are waiting. */
  readonly toDevice?: number | undefined;
}

/** Rises when the content of tokens changes; older tokens can still be read. */
const VERSION = 3;
/**
 * `s<version>_<position>_<ephemeral serial>`, and `_<toDevice>` while messages are waiting; version
 * 1 had no version in it. Positions of sliding sync go on with `-<version of a connection's state>`.
 */
const SHAPE = /^s(?:([1-9]\d{0,2})_)?(\d{1,15})_(\d{1,16})(?:_(\d{1,15}))?(?:-\d{1,15})?$/;

/** Opaque to clients; /messages and /members accept it too. */
export function formatSyncToken({ position, ephemeral, toDevice }: SyncToken): string {
  const rest = toDevice === undefined ? "" : `_${toDevice}`;
  return `s${VERSION}_${position}_${ephemeral}${rest}`;
}

/** The token; undefined when the text is no token of this server, or one of a later version. */
export function readSyncToken(text: string): SyncToken | undefined {
  const match = SHAPE.exec(text);
  if (!match) return undefined;
  const [, version = "1", position, ephemeral, toDevice] = match;
  if (Number(version) > VERSION || (toDevice !== undefined && Number(version) < 3))
    return undefined;
  return {
    position: Number(position),
    ephemeral: Number(ephemeral),
    ...(toDevice === undefined ? {} : { toDevice: Number(toDevice) }),
  };
}

/** @throws MatrixError 400 M_INVALID_PARAM when the text, a parameter, is not a token of ours. */
export function parseSyncToken(text: string, parameter = "since"): SyncToken {
  const token = readSyncToken(text);
  if (!token) {
    throw errors.invalidParam(
      `${parameter} is not a token that this server gave out; sync without it`,
    );
  }
  return token;
}
