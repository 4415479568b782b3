import { errors, matrixError } from "../../protocol/errors.ts";
import { isRoomId, type UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import * as storage from "../../storage/users/key-backups.ts";
import type { BackedUpKey, KeyBackupRow, KeySelection } from "../../storage/users/key-backups.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import { exceeds, type UserLimits } from "../common/limits.ts";
import { plainText } from "../common/text.ts";

export type { BackedUpKey } from "../../storage/users/key-backups.ts";

/** A backup as its user sees it, without the keys. */
interface KeyBackup {
  readonly version: string;
  readonly algorithm: string;
  readonly auth_data: JsonObject;
  readonly etag: string;
  readonly count: number;
}

/** What a backup holds after a change. */
interface KeyBackupState {
  readonly etag: string;
  readonly count: number;
}

/** A session's key as clients give and get it. */
interface SessionKey {
  readonly first_message_index: number;
  readonly forwarded_count: number;
  readonly is_verified: boolean;
  readonly session_data: JsonObject;
}

/** Keys by room and session. */
type KeysByRoom = Readonly<
  Record<string, { readonly sessions: Readonly<Record<string, SessionKey>> }>
>;

/** Backups of the keys of encrypted rooms. (Client-server API, "Server-side key backups".) */
export interface KeyBackups {
  /**
   * Begins a backup, which is the newest from then on; returns its version.
   * @throws MatrixError M_TOO_LARGE 413
   */
  create(userId: UserId, algorithm: string, authData: JsonObject): Promise<string>;
  /** A backup; the newest unless a version is named. @throws MatrixError M_NOT_FOUND 404 */
  get(userId: UserId, version?: string): Promise<KeyBackup>;
  /**
   * Replaces a backup's `auth_data`.
   * @throws MatrixError M_NOT_FOUND 404; M_INVALID_PARAM 400 where the algorithm is another;
   * M_TOO_LARGE 413
   */
  change(userId: UserId, version: string, algorithm: string, authData: JsonObject): Promise<void>;
  /**
   * Deletes a backup with its keys; one that was deleted before, too.
   * @throws MatrixError M_NOT_FOUND 404
   */
  remove(userId: UserId, version: string): Promise<void>;
  /**
   * Writes keys into the newest backup. Of two keys of a session the better one stays.
   * @throws MatrixError M_NOT_FOUND 404, M_WRONG_ROOM_KEYS_VERSION 403 with `current_version`, M_INVALID_PARAM 400,
   *   M_TOO_LARGE 413; then nothing is written
   */
  putKeys(userId: UserId, version: string, rooms: KeysByRoom): Promise<KeyBackupState>;
  /**
   * Pages of keys, in the order of rooms.
   * @throws MatrixError M_NOT_FOUND 404 without the backup
   */
  keys(
    userId: UserId,
    version: string,
    which: KeySelection,
  ): Promise<AsyncIterable<readonly BackedUpKey[]>>;
  /** @throws MatrixError M_NOT_FOUND 404 without the backup */
  removeKeys(userId: UserId, version: string, which: KeySelection): Promise<KeyBackupState>;
}

const MAX_ID_BYTES = 255;
/** Keys that are read at once. */
const PAGE = 500;

export function createKeyBackups(deps: {
  sql: Sql;
  limits: Pick<UserLimits, "keyBackupBytes">;
}): KeyBackups {
  const { sql, limits } = deps;

  async function lock(tx: Tx, userId: UserId, version: string): Promise<KeyBackupRow> {
    const number = numberOf(version);
    const row = number && (await storage.lockBackup(tx, userId, number));
    if (!row) throw noBackup();
    return row;
  }

  async function ensureRoom(tx: Tx, userId: UserId): Promise<void> {
    if (!exceeds(await storage.backupBytes(tx, userId), limits.keyBackupBytes)) return;
    throw errors.tooLarge(
      `Your key backups would come to more than ${limits.keyBackupBytes} bytes: delete old ones first`,
    );
  }

  /** Throws unless the backup is the one that keys are written to. */
  async function ensureNewest(tx: Tx, userId: UserId, { version }: KeyBackupRow): Promise<void> {
    const newest = await storage.findNewestBackup(tx, userId);
    if (newest === undefined || newest.version === version) return;
    throw matrixError(
      "M_WRONG_ROOM_KEYS_VERSION",
      "Keys are written to the newest backup, and that is another one",
      { current_version: String(newest.version) },
    );
  }

  async function noted(
    tx: Tx,
    userId: UserId,
    { version }: KeyBackupRow,
    change: { added: number; bytes: number },
  ): Promise<KeyBackupState> {
    return stateOf(await storage.noteChange(tx, userId, version, change));
  }

  return {
    create(userId, algorithm, authData) {
      plainText(algorithm, "algorithm", MAX_ID_BYTES);
      return transaction(sql, async (tx) => {
        const backup = { userId, algorithm, authData: textOf(authData) };
        const version = await storage.insertBackup(tx, backup);
        await ensureRoom(tx, userId);
        return String(version);
      });
    },

    async get(userId, version) {
      const number = version === undefined ? undefined : numberOf(version);
      const row =
        version === undefined
          ? await storage.findNewestBackup(sql, userId)
          : number && (await storage.findBackup(sql, userId, number));
      if (!row) throw noBackup();
      return {
        version: String(row.version),
        algorithm: row.algorithm,
        auth_data: JSON.parse(row.authData) as JsonObject,
        ...stateOf(row),
      };
    },

    change(userId, version, algorithm, authData) {
      return transaction(sql, async (tx) => {
        const backup = await lock(tx, userId, version);
        if (backup.algorithm !== algorithm) {
          throw errors.invalidParam("The algorithm is not that of the backup: begin a new backup");
        }
        await storage.updateAuthData(tx, userId, backup.version, textOf(authData));
        await ensureRoom(tx, userId);
      });
    },

    remove(userId, version) {
      return transaction(sql, async (tx) => {
        const number = numberOf(version);
        const row = number && (await storage.lockBackup(tx, userId, number));
        if (row) return storage.deleteBackup(tx, userId, row.version);
        const was = number !== undefined && number <= (await storage.greatestVersion(tx, userId));
        if (!was) throw noBackup();
      });
    },

    putKeys(userId, version, rooms) {
      const keys = keysOf(rooms);
      return transaction(sql, async (tx) => {
        const backup = await lock(tx, userId, version);
        await ensureNewest(tx, userId, backup);
        if (keys.length === 0) return stateOf(backup);
        const change = await storage.writeKeys(tx, userId, backup.version, keys);
        if (change.written === 0) return stateOf(backup);
        const state = await noted(tx, userId, backup, change);
        if (change.bytes > 0) await ensureRoom(tx, userId);
        return state;
      });
    },

    async keys(userId, version, which) {
      const number = numberOf(version);
      const backup = number && (await storage.findBackup(sql, userId, number));
      if (!backup) throw noBackup();
      return pages((after) => storage.nextKeys(sql, userId, backup.version, which, after, PAGE));
    },

    removeKeys(userId, version, which) {
      return transaction(sql, async (tx) => {
        const backup = await lock(tx, userId, version);
        const { deleted, bytes } = await storage.deleteKeys(tx, userId, backup.version, which);
        if (deleted === 0) return stateOf(backup);
        return noted(tx, userId, backup, { added: -deleted, bytes: -bytes });
      });
    },
  };
}

async function* pages(
  next: (after: Pick<BackedUpKey, "roomId" | "sessionId">) => Promise<BackedUpKey[]>,
): AsyncGenerator<readonly BackedUpKey[]> {
  let after = { roomId: "", sessionId: "" };
  for (let page = await next(after); page.length > 0; page = await next(after)) {
    yield page;
    after = page.at(-1)!;
    if (page.length < PAGE) return;
  }
}

/** @throws MatrixError M_INVALID_PARAM 400 for identifiers that none could be found by again */
function keysOf(rooms: KeysByRoom): BackedUpKey[] {
  return Object.entries(rooms).flatMap(([roomId, { sessions }]) => {
    if (!isRoomId(roomId)) throw errors.invalidParam(`${roomId.slice(0, 100)} is no room id`);
    plainText(roomId, "A room id", MAX_ID_BYTES);
    return Object.entries(sessions).map(([sessionId, key]) => ({
      roomId,
      sessionId: plainText(sessionId, "A session id", MAX_ID_BYTES),
      firstMessageIndex: key.first_message_index,
      forwardedCount: key.forwarded_count,
      isVerified: key.is_verified,
      sessionData: textOf(key.session_data),
    }));
  });
}

/** JSON text that PostgreSQL can keep: `JSON.stringify` escapes NUL. */
function textOf(object: JsonObject): string {
  return JSON.stringify(object);
}

/** The number of a version that this server could have given out. */
function numberOf(version: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(version) ? Number(version) : undefined;
}

function stateOf({ etag, count }: Pick<KeyBackupRow, "etag" | "count">): KeyBackupState {
  return { etag: String(etag), count };
}

function noBackup(): Error {
  return errors.notFound("There is no such key backup");
}
