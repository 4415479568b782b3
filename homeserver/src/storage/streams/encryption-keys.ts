import { deviceKey } from "../../protocol/identifiers.ts";
import { numberArray, type Sql, textArray, type Tx } from "../sql.ts";
import { defineStream, type Returned } from "./stream.ts";
import { keyText } from "./text.ts";

interface UserSignature {
  /** Who signed. */
  userId: string;
  /** Whose keys. */
  targetId: string;
}

/** A local user signed another user's keys with the user-signing key: nobody else is told. */
export const userSignatures = defineStream({
  kind: "user_signature",
  columns: [
    ["user_id", "text"],
    ["target_id", "text"],
  ],
  values: ({ userId, targetId }: UserSignature) => [keyText(userId), keyText(targetId)],
  statements: (from) => [
    `INSERT INTO user_signature_changes (user_id, target_id, position)
      SELECT t.user_id, t.target_id, max(v.base + t.shift) ${from}
      GROUP BY t.user_id, t.target_id ORDER BY t.user_id, t.target_id
      ON CONFLICT (user_id, target_id) DO UPDATE SET position = excluded.position`,
  ],
  toRecord: ({ userId, targetId }): UserSignature => ({ userId, targetId }),
  read: (sql, { after, upTo, limit }) => sql<(UserSignature & { position: number })[]>`
    SELECT position, user_id AS "userId", target_id AS "targetId" FROM user_signature_changes
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
});

interface DeviceOf {
  userId: string;
  deviceId: string;
}

/** What happens to a device's keys of an algorithm: they are claimed, or uploaded. */
export interface KeyListChange extends DeviceOf {
  algorithm: string;
  /** So many keys are to be given out, or as many as there are. */
  claimed?: number;
  /** Keys were stored: this is the newest one's number. */
  last?: number;
  /** Keys with lower numbers are gone. */
  first?: number;
  /** There is a new fallback key, or none any more. */
  fallback?: "unused" | "none";
}

/** Lists that the log changes together, each once: one position for all. */
interface KeyListChanges {
  lists: readonly KeyListChange[];
}

/** Devices whose counts changed: one-time or fallback keys were added or given out. */
interface ChangedCounts {
  devices: readonly DeviceOf[];
}

/** A list that an append changed. */
export interface MovedList {
  /** Its index. */
  readonly list: number;
  /** Numbers of the keys that were claimed; where the last is below the first, none were left. */
  readonly first: number;
  readonly last: number;
}

/**
 * One-time or fallback keys of local devices were added or given out: their counts changed. A claim
 * of keys is the change itself: the numbers it gets come back with the append.
 */
export const oneTimeKeys = defineStream({
  kind: "one_time_keys",
  columns: (
    ["users", "devices", "algorithms", "claimed", "firsts", "lasts", "fallbacks"] as const
  ).map((name) => [name, "text"] as const),
  values: ({ lists }: KeyListChanges) => [
    textArray(lists.map(({ userId }) => keyText(userId))),
    textArray(lists.map(({ deviceId }) => keyText(deviceId))),
    textArray(lists.map(({ algorithm }) => keyText(algorithm))),
    numberArray(lists.map(({ claimed }) => claimed ?? 0)),
    numberArray(lists.map(({ first }) => first ?? null)),
    numberArray(lists.map(({ last }) => last ?? null)),
    numberArray(lists.map(({ fallback }) => FALLBACKS[fallback ?? "same"])),
  ],
  // Whoever runs it holds the log's lock: nobody else changes lists, so that it waits for no row.
  statements: (from) => [
    `UPDATE one_time_key_lists l SET
        next = CASE WHEN c.claimed > 0 THEN l.next + c.claimed
          ELSE greatest(c.first, least(l.next, l.last + 1)) END,
        last = coalesce(c.last, l.last),
        unused_fallback = CASE
          WHEN c.claimed > 0 THEN l.unused_fallback AND l.next + c.claimed <= l.last + 1
          ELSE coalesce(c.fallback = 1, l.unused_fallback) END,
        position = r.position
      FROM (SELECT t.*, v.base + t.shift AS position ${from}) AS r,
        unnest(r.users::text[], r.devices::text[], r.algorithms::text[], r.claimed::int[],
          r.firsts::int[], r.lasts::int[], r.fallbacks::int[])
        WITH ORDINALITY AS c (user_id, device_id, algorithm, claimed, first, last, fallback, i)
      WHERE l.user_id = c.user_id AND l.device_id = c.device_id AND l.algorithm = c.algorithm
        AND (c.claimed = 0 OR l.next <= l.last OR l.unused_fallback)
      RETURNING r.shift, c.i - 1 AS list, l.next - c.claimed AS first,
        least(l.next - 1, l.last) AS last`,
  ],
  returns: true,
  toRecord: ({ lists }, returned): ChangedCounts => ({
    devices: devicesOf(movedLists(returned).map(({ list }) => lists[list]!)),
  }),
  // A statement can change a list only once.
  claims: () => "one_time_keys",
  bytes: ({ devices }) => devices.length * 100,
  rowBytes: ({ lists }) => lists.length * 100,
  read: (sql, { after, upTo, limit }) => sql<(ChangedCounts & { position: number })[]>`
    SELECT position, json_agg(json_build_object('userId', user_id, 'deviceId', device_id)) AS devices
    FROM (
      SELECT DISTINCT position, user_id, device_id FROM one_time_key_lists
      WHERE position > ${after} AND position <= ${upTo}) AS changed
    GROUP BY position ORDER BY position LIMIT ${limit}`,
});

const FALLBACKS = { unused: 1, none: 0, same: null } as const;

/** The lists that an append changed; the others had nothing left to claim. */
export function movedLists(returned: readonly Returned[]): MovedList[] {
  return returned.map((row) => ({ list: row["list"]!, first: row["first"]!, last: row["last"]! }));
}

/** Each device once. */
function devicesOf(lists: readonly DeviceOf[]): DeviceOf[] {
  const devices = new Map(
    lists.map(({ userId, deviceId }) => [deviceKey({ userId, deviceId }), { userId, deviceId }]),
  );
  return [...devices.values()];
}

/** Users whose keys the user signed after a position. */
export async function signedBy(sql: Sql | Tx, userId: string, after: number): Promise<string[]> {
  const rows = await sql<{ targetId: string }[]>`
    SELECT target_id AS "targetId" FROM user_signature_changes
    WHERE user_id = ${userId} AND position > ${after}`;
  return rows.map((row) => row.targetId);
}

/** Whether a device's one-time or fallback keys changed after a position, up to another. */
export async function keysChanged(
  sql: Sql | Tx,
  device: DeviceOf,
  after: number,
): Promise<boolean> {
  const rows = await sql`
    SELECT 1 FROM one_time_key_lists
    WHERE user_id = ${device.userId} AND device_id = ${device.deviceId} AND position > ${after}`;
  return rows.length > 0;
}
