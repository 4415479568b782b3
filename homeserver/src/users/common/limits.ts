import { type MatrixError, matrixError } from "../../protocol/errors.ts";

/** Limits on what one user may store on this server in total. 0: without limit. */
export interface UserLimits {
  /** Bytes of uploaded files, each counted with 1 KiB more. */
  readonly uploadBytes: number;
  /** Bytes of one file. */
  readonly fileBytes: number;
  /** Bytes of account data, global and of rooms, each piece counted with 256 bytes more. */
  readonly accountDataBytes: number;
  /** Bytes of key backups, each key counted with 256 bytes more. */
  readonly keyBackupBytes: number;
  /** Bytes of messages that wait for one device, each counted with 1 KiB more. */
  readonly inboxBytes: number;
  /** Signed-in devices: one more signs out the one that was not seen for the longest time. */
  readonly devices: number;
  /** Aliases that the user has made. */
  readonly aliases: number;
  /** Rooms that the user has put into the directory. */
  readonly publishedRooms: number;
}

const MIB = 1024 * 1024;

/** The settings' defaults. */
export const DEFAULT_LIMITS: UserLimits = {
  uploadBytes: 10 * 1024 * MIB,
  fileBytes: 100 * MIB,
  accountDataBytes: 32 * MIB,
  keyBackupBytes: 256 * MIB,
  inboxBytes: 64 * MIB,
  devices: 200,
  aliases: 1000,
  publishedRooms: 500,
};

/** True when `count` is one too many for that limit. */
export function exceeds(count: number, limit: number): boolean {
  return limit > 0 && count > limit;
}

/** M_RESOURCE_LIMIT_EXCEEDED 403: the limit is reached. */
export function tooMany(limit: number, what: string): MatrixError {
  return matrixError(
    "M_RESOURCE_LIMIT_EXCEEDED",
    `You have ${limit} ${what}, which is as many as this server keeps for a user: remove one first`,
  );
}
