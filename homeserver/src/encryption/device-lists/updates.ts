import type { Change, Log } from "../../log/types.ts";
import type { Clock } from "../../platform/clock.ts";
import { createFairQueue, QueueFull } from "../../platform/fair-queue.ts";
import { errors } from "../../protocol/errors.ts";
import { isUserId, type ServerName, serverOf, type UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { isIndexable } from "../../protocol/text.ts";
import * as rows from "../../storage/federation/remote-devices.ts";
import type { Sql } from "../../storage/sql.ts";
import { isStreamId } from "./list-reader.ts";
import { judgeUpdate, withUpdate } from "./list-rules.ts";
import {
  MAX_DEVICES,
  MAX_LIST,
  type RemoteDevice,
  updatedCrossSigning,
  updatedDevice,
} from "./remote-keys.ts";
import { afterGap, emptyRow, isSame, listOf, type RemoteLists } from "./remote-lists.ts";
import { atMost, LRUCache } from "../../platform/caches.ts";

/**
 * Takes in what other servers tell of devices and keys of their users: resolves when it is on disk.
 * (Server-server API, "Device Management", "End-to-End Encryption".)
 */
export interface ListUpdates {
  /**
   * m.device_list_update. What is malformed, of another server's user, or of a user with whom no
   * room is shared, is dropped.
   * @throws LogUnavailable, or the database's error; MatrixError M_LIMIT_EXCEEDED 429 when the
   *   server is to send it again later
   */
  device(origin: ServerName, content: JsonObject): Promise<void>;
  /** m.signing_key_update. The same. */
  signingKeys(origin: ServerName, content: JsonObject): Promise<void>;
}

/** Updates that are taken in at once, of each server and in all, and those of a server that wait. */
const QUEUE = { perKey: 1, total: 16, maxWaiting: 200 };
const RETRY_AFTER_MS = 5_000;
/** Updates of a user that are applied in a minute. After more the list is read anew, later. */
const PER_MINUTE = 60;
const MINUTE_MS = 60_000;
const USERS_COUNTED = 10_000;
type LockedList = NonNullable<Awaited<ReturnType<typeof rows.lockRemoteList>>>;
/** An id that no list is as new as. */
const NEVER = Number.MAX_SAFE_INTEGER;

interface Update {
  readonly userId: UserId;
  readonly deviceId: string;
  readonly streamId: number;
  readonly prevIds: readonly number[];
  readonly content: JsonObject;
}

export interface ListUpdatesDeps {
  readonly sql: Sql;
  readonly log: Log;
  readonly clock: Clock;
  readonly serverName: ServerName;
  readonly lists: Pick<RemoteLists, "noteStale">;
}

export function createListUpdates(deps: ListUpdatesDeps): ListUpdates {
  const { sql, log, clock, serverName, lists } = deps;
  const queue = createFairQueue<ServerName>(QUEUE);
  const applied = new LRUCache<UserId, number>({ ...atMost(USERS_COUNTED), ttl: MINUTE_MS });

  /** True when the user's list has changed too often within a minute. */
  function isFlood(userId: UserId): boolean {
    const count = (applied.get(userId) ?? 0) + 1;
    applied.set(userId, count, { noUpdateTTL: true });
    return count > PER_MINUTE;
  }

  /** Whether the update is more than one that a stale list misses, or of nobody known. */
  async function isNews(userId: UserId, streamId: number): Promise<boolean> {
    if (await rows.countMissed(sql, userId, streamId)) return false;
    return (await rows.usersSharingWithServer(sql, serverName, [userId])).has(userId);
  }

  async function inTurn(origin: ServerName, work: () => Promise<void>): Promise<void> {
    try {
      await queue.run(origin, work);
    } catch (error) {
      if (error instanceof QueueFull) throw errors.limitExceeded(RETRY_AFTER_MS);
      throw error;
    }
  }

  /**
   * Runs work on a list that is right. One that is not only notes that more was missed. Local users
   * are told when the list became stale, or the work says so.
   */
  async function onList(
    userId: UserId,
    streamId: number,
    work: (change: Change, row: LockedList) => Promise<"changed" | "unchanged" | "stale">,
  ): Promise<void> {
    const outcome = await log.change(async (change) => {
      const { tx, record } = change;
      const row = await rows.lockRemoteList(tx, serverName, userId);
      const done = row === undefined || row.isStale ? "stale" : await work(change, row);
      if (done === "stale") {
        const stale = afterGap(row ?? emptyRow(userId), streamId, clock.now());
        await rows.saveRemoteLists(tx, [{ ...stale, server: serverOf(userId) }]);
      }
      // Nobody has asked for a stale list since they were told that it is.
      const isTold = done === "stale" ? row?.isStale !== true : done === "changed";
      if (isTold) record({ kind: "device_list", userId, deviceId: "", isRemoved: false });
      return done;
    });
    if (outcome === "stale") lists.noteStale();
  }

  /** Writes an update, if it follows on what is known. */
  async function apply(
    { tx }: Change,
    row: LockedList,
    update: Update,
  ): Promise<"changed" | "unchanged" | "stale"> {
    const { userId, deviceId, streamId, content } = update;
    const verdict = judgeUpdate(row, update, clock.now());
    if (verdict === "known") return "unchanged";
    // No room was shared for a while. New cross-signing keys have no id that would be missed now.
    if (!row.isKept) return "stale";
    const devices = await rows.findRemoteDevices(tx, [userId]);
    const before = devices.find((device) => device.deviceId === deviceId);
    const told = { deviceId, keys: content.keys, displayName: content.device_display_name };
    const device =
      content.deleted === true ? undefined : updatedDevice(userId, told, row.selfSigningKey);
    if (device === "unknown signer") return "stale";
    const isNew = device === undefined ? before !== undefined : !isSame(before, device);
    // The snapshot that came without an id has it, and what came before.
    const isInSnapshot = row.streamIds.length === 0 && before !== undefined && !isNew;
    if ((verdict === "gap" && !isInSnapshot) || isFlood(userId)) return "stale";
    if (device === undefined) await rows.deleteRemoteDevices(tx, [{ userId, deviceId }]);
    else if (isFull(devices.filter((one) => one !== before))) return "stale";
    else if (isNew) await rows.saveRemoteDevices(tx, [{ ...device, userId }]);
    const streamIds = withUpdate(row.streamIds, streamId);
    // Nothing was missed before an update that follows on the list.
    const position = verdict === "next" ? Math.max(row.position, log.position) : row.position;
    const changes = row.changes + 1;
    const after = { ...row, streamIds, position, changes, server: serverOf(userId) };
    await rows.saveRemoteLists(tx, [after]);
    return isNew ? "changed" : "unchanged";
  }

  return {
    async device(origin, content) {
      const update = updateIn(content);
      if (update === undefined || serverOf(update.userId) !== origin) return;
      const { userId, streamId } = update;
      await inTurn(origin, async () => {
        if (!(await isNews(userId, streamId))) return;
        await onList(userId, streamId, (change, row) => apply(change, row, update));
      });
    },

    async signingKeys(origin, content) {
      const { user_id: userId, master_key: masterKey, self_signing_key: selfSigningKey } = content;
      if (!isUserId(userId) || serverOf(userId) !== origin) return;
      await inTurn(origin, async () => {
        if (!(await isNews(userId, NEVER))) return;
        await onList(userId, NEVER, async ({ tx }, row) => {
          const before = listOf(row, await rows.findRemoteDevices(tx, [userId]));
          const keys = updatedCrossSigning(userId, before, { masterKey, selfSigningKey });
          if (keys === undefined || isFlood(userId)) return "stale";
          const isSameAsBefore =
            keys.masterKey === row.masterKey && keys.selfSigningKey === row.selfSigningKey;
          if (isSameAsBefore) return "unchanged";
          const changes = row.changes + 1;
          await rows.saveRemoteLists(tx, [{ ...row, ...keys, changes, server: origin }]);
          return "changed";
        });
      });
    },
  };
}

/** Whether a list has no room for a device more. */
function isFull(devices: readonly RemoteDevice[]): boolean {
  const size = devices.reduce((sum, { keys }) => sum + keys.length, 0);
  return devices.length >= MAX_DEVICES || size > MAX_LIST;
}

/**
 * The update in an EDU; undefined when it has no user or device. One whose ids are malformed follows
 * on nothing.
 */
function updateIn(content: JsonObject): Update | undefined {
  const { user_id: userId, device_id: deviceId, stream_id: id, prev_id: previous } = content;
  if (!isUserId(userId) || !isIndexable(deviceId)) return undefined;
  const prevIds = Array.isArray(previous) && previous.every(isStreamId) ? previous : [];
  return { userId, deviceId, streamId: isStreamId(id) ? id : NEVER, prevIds, content };
}
