import type { Change, Log } from "../../log/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { type ServerName, serverOf, type UserId } from "../../protocol/identifiers.ts";
import * as rows from "../../storage/federation/remote-devices.ts";
import type { RemoteListRow } from "../../storage/federation/remote-devices.ts";
import type { Sql } from "../../storage/sql.ts";
import { pauseAfterFailures, resyncAfterGap } from "./list-rules.ts";
import type { RemoteDevice, RemoteList } from "./remote-keys.ts";

/** Another server's user, as it is known here. */
export interface KnownList {
  /** A local user shares a room with them: their server tells of changes. */
  readonly isShared: boolean;
  /** The list is right, as far as this server was told. */
  readonly isFresh: boolean;
  /** The list was read once. */
  readonly wasRead: boolean;
  /** It could not be read of late, and is not tried again yet. */
  readonly isResting: boolean;
  /** For `keep`: how often the list had changed; undefined: there was none. */
  readonly changes: number | undefined;
}

/** A list as another server told it. */
export interface ReadList {
  readonly userId: UserId;
  readonly list: RemoteList;
  /** Its version; undefined: not told. */
  readonly streamId: number | undefined;
  /** `KnownList.changes` before the server was asked. */
  readonly changes: number | undefined;
}

/** The stored lists of devices of other servers' users. */
export interface RemoteLists {
  /** All of the named users are in the answer. */
  look(userIds: readonly UserId[]): Promise<Map<UserId, KnownList>>;
  /**
   * Stored lists, also stale ones: as many as have `maxBytes` together, the smallest first.
   */
  load(userIds: readonly UserId[], maxBytes?: number): Promise<Map<UserId, RemoteList>>;
  /**
   * Stores lists that were read whole. Where something changed while they were read they stay
   * stale. Local users are told of lists that differ from what was stored. `position`: the log's
   * before the server was asked.
   */
  keep(read: readonly ReadList[], position: number): Promise<void>;
  /** The lists could not be read: it is tried again later. `changes` as for `keep`. */
  failed(users: readonly Pick<ReadList, "userId" | "changes">[]): Promise<void>;
  /** Calls the listener when a list may have become stale here. Returns what ends that. */
  onStale(listener: () => void): () => void;
  /** A list became stale. */
  noteStale(): void;
}

/** More than other servers are let tell of a user. */
const MAX_LIST_BYTES = 4 * 1024 * 1024;
/** Failures in a row after which users do not wait for the next attempt. */
const RESTING_AFTER = 4;

export interface RemoteListsDeps {
  readonly sql: Sql;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly serverName: ServerName;
}

export function createRemoteLists({
  sql,
  log,
  clock,
  random,
  serverName,
}: RemoteListsDeps): RemoteLists {
  const listeners = new Set<() => void>();

  function noteStale(): void {
    for (const listener of listeners) listener();
  }

  async function fittingLists(userIds: readonly UserId[], maxBytes: number): Promise<UserId[]> {
    // No list is as long as that.
    if (userIds.length * MAX_LIST_BYTES <= maxBytes) return [...userIds];
    const sizes = await rows.sizesOfRemoteLists(sql, userIds);
    let left = maxBytes;
    return sizes.flatMap(({ userId, bytes }) => ((left -= bytes) >= 0 ? userId : []));
  }

  return {
    noteStale,
    onStale(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    async look(userIds) {
      if (userIds.length === 0) return new Map();
      const [shared, found] = await Promise.all([
        rows.usersSharingWithServer(sql, serverName, userIds),
        rows.findRemoteLists(sql, serverName, userIds),
      ]);
      const byUser = new Map(found.map((row) => [row.userId, row]));
      const now = clock.now();
      return new Map(
        userIds.map((userId) => {
          const row = byUser.get(userId);
          const isShared = shared.has(userId);
          const known = {
            isShared,
            isFresh: isShared && row?.isKept === true,
            wasRead: row !== undefined && row.readAt > 0,
            isResting: row !== undefined && row.failures >= RESTING_AFTER && row.resyncAt! > now,
            changes: row?.changes,
          };
          return [userId, known];
        }),
      );
    },

    async load(userIds, maxBytes = Infinity) {
      if (userIds.length === 0) return new Map();
      const fitting = await fittingLists(userIds, maxBytes);
      const [found, devices] = await Promise.all([
        rows.findRemoteLists(sql, serverName, fitting),
        rows.findRemoteDevices(sql, fitting),
      ]);
      const byUser = Map.groupBy(devices, ({ userId }) => userId);
      return new Map(found.map((row) => [row.userId, listOf(row, byUser.get(row.userId))]));
    },

    async keep(read, position) {
      if (read.length === 0) return;
      const userIds = read.map(({ userId }) => userId);
      await log.change(async (change) => {
        const before = await rows.lockRemoteLists(change.tx, userIds);
        const devices = await rows.findRemoteDevices(change.tx, userIds);
        const devicesBefore = Map.groupBy(devices, ({ userId }) => userId);
        const kept = read.flatMap((one) => {
          const row = before.get(one.userId);
          return isOvertaken(row, one) ? [] : { one, row };
        });
        await rows.saveRemoteLists(
          change.tx,
          kept.map(({ one, row }) => afterReading(one, row, { position, now: clock.now() })),
        );
        await replaceDevices(change, kept, devicesBefore);
      });
      noteStale();
    },

    async failed(users) {
      if (users.length === 0) return;
      await log.change(async ({ tx }) => {
        const before = await rows.lockRemoteLists(
          tx,
          users.map(({ userId }) => userId),
        );
        const now = clock.now();
        const failing = users.flatMap(({ userId, changes }) => {
          const row = before.get(userId) ?? emptyRow(userId);
          if (before.has(userId) && row.changes !== changes && !row.isStale) return [];
          const failures = row.failures + 1;
          const resyncAt = now + pauseAfterFailures(failures, random.integer(1000) / 1000);
          return { ...row, server: serverOf(userId), isStale: true, failures, resyncAt };
        });
        await rows.saveRemoteLists(tx, failing);
      });
      noteStale();
    },
  };
}

/** A list of which nothing is known. */
export function emptyRow(userId: UserId): RemoteListRow {
  return {
    ...{ userId, position: 0, streamIds: [], masterKey: null, selfSigningKey: null },
    ...{ isStale: true, changes: 0, newestMissed: 0, readAt: 0, resyncAt: null, failures: 0 },
  };
}

/** The row once something changed that is not in the list. `streamId`: of the update. */
export function afterGap(row: RemoteListRow, streamId: number, now: number): RemoteListRow {
  return {
    ...row,
    isStale: true,
    changes: row.changes + 1,
    newestMissed: Math.max(row.newestMissed, streamId),
    resyncAt: row.isStale ? row.resyncAt : resyncAfterGap(row, now),
  };
}

export function listOf(
  row: Pick<RemoteListRow, "masterKey" | "selfSigningKey">,
  devices: readonly RemoteDevice[] = [],
): RemoteList {
  return { devices, masterKey: row.masterKey, selfSigningKey: row.selfSigningKey };
}

/** Another reading of the list, or updates of it, came first. */
function isOvertaken(row: RemoteListRow | undefined, { changes }: ReadList): boolean {
  return row !== undefined && !row.isStale && row.changes !== changes;
}

function afterReading(
  { userId, list, streamId, changes }: ReadList,
  row: RemoteListRow | undefined,
  at: { readonly position: number; readonly now: number },
): RemoteListRow & { server: ServerName } {
  const isSame = row?.changes === changes;
  const hasMissed = row !== undefined && row.newestMissed > 0;
  const isCovered = isSame || (hasMissed && streamId !== undefined && row.newestMissed <= streamId);
  const read = {
    ...{ userId, server: serverOf(userId), position: at.position, readAt: at.now, failures: 0 },
    ...{ masterKey: list.masterKey, selfSigningKey: list.selfSigningKey },
    streamIds: streamId === undefined ? [] : [streamId],
    changes: (row?.changes ?? 0) + 1,
  };
  return isCovered
    ? { ...read, isStale: false, newestMissed: 0, resyncAt: null }
    : {
        ...read,
        isStale: true,
        newestMissed: row?.newestMissed ?? 0,
        resyncAt: resyncAfterGap(read, at.now),
      };
}

/** Writes the devices of lists that were read whole, and tells local users of what differs. */
async function replaceDevices(
  { tx, record }: Change,
  kept: readonly { readonly one: ReadList; readonly row: RemoteListRow | undefined }[],
  before: ReadonlyMap<UserId, readonly RemoteDevice[]>,
): Promise<void> {
  const removed: { userId: UserId; deviceId: string }[] = [];
  const written: (RemoteDevice & { userId: UserId })[] = [];
  for (const { one, row } of kept) {
    const { userId, list } = one;
    const known = new Map((before.get(userId) ?? []).map((device) => [device.deviceId, device]));
    const changed = list.devices.filter((device) => !isSame(known.get(device.deviceId), device));
    for (const device of list.devices) known.delete(device.deviceId);
    written.push(...changed.map((device) => ({ ...device, userId })));
    removed.push(...[...known.keys()].map((deviceId) => ({ userId, deviceId })));
    const hasOtherKeys =
      row?.masterKey !== list.masterKey || row.selfSigningKey !== list.selfSigningKey;
    const differs = hasOtherKeys || changed.length > 0 || known.size > 0;
    // Whoever asked for a list that was not known waits for it.
    if (row !== undefined && differs) {
      record({ kind: "device_list", userId, deviceId: "", isRemoved: false });
    }
  }
  await rows.deleteRemoteDevices(tx, removed);
  await rows.saveRemoteDevices(tx, written);
}

export function isSame(a: RemoteDevice | undefined, b: RemoteDevice): boolean {
  return a !== undefined && a.keys === b.keys && a.displayName === b.displayName;
}
