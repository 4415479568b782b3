import { serverOf, type UserId } from "../../protocol/identifiers.ts";
import { defineStream } from "./stream.ts";
import { keyText } from "./text.ts";

interface StickyRow {
  roomNid: number;
  eventNid: number;
  sender: string;
  /** Until when it is sticky, ms since 1970. */
  expiresTs: number;
  /** It is soft-failed: nobody is told of it. */
  hasFailed: boolean;
}

/** Of the sticky events of one sender in a room, and of all of one server, the newest count. */
const OF_SENDER = 100;
const OF_SERVER = 2_000;
/** Expired rows that are cleared away when new ones come. */
const CLEARED = 100;

const NOW = "(extract(epoch FROM now()) * 1000)::bigint";

/** Deletes rows of a room by one sender, or one server, beyond the newest. */
const beyond = (by: "sender" | "server", kept: number) => (from: string) =>
  `DELETE FROM sticky_events d USING (SELECT DISTINCT t.room_nid, t.${by} ${from}) AS l
    WHERE d.room_nid = l.room_nid AND d.${by} = l.${by} AND d.position <= (
      SELECT k.position FROM sticky_events k WHERE k.room_nid = l.room_nid AND k.${by} = l.${by}
      ORDER BY k.position DESC OFFSET ${kept - 1} LIMIT 1)
    AND NOT EXISTS (SELECT 1 ${from} AND t.event_nid = d.event_nid)`;

const expired = (table: "sticky_events" | "sticky_owed", key: string) => (from: string) =>
  `DELETE FROM ${table} WHERE (${key}) IN (
    SELECT ${key} FROM ${table} WHERE expires_ts < ${NOW} ORDER BY expires_ts LIMIT ${CLEARED})
    AND EXISTS (SELECT 1 ${from}) AND NOT EXISTS (SELECT 1 ${from} AND t.event_nid = event_nid)`;

/** An event is sticky, and clients are told of it here; or it is soft-failed. (MSC4354.) */
export const sticky = defineStream({
  kind: "sticky",
  columns: [
    ...(["room_nid", "event_nid", "expires_ts"] as const).map((name) => [name, "bigint"] as const),
    ...(["sender", "server"] as const).map((name) => [name, "text"] as const),
    ["has_failed", "int"],
  ],
  values: ({ roomNid, eventNid, sender, expiresTs, hasFailed }: StickyRow) => [
    ...[roomNid, eventNid, expiresTs, keyText(sender), keyText(serverOf(sender as UserId))],
    hasFailed ? 1 : 0,
  ],
  statements: (from) => [
    `INSERT INTO sticky_events (event_nid, room_nid, sender, server, expires_ts, has_failed, position)
      SELECT DISTINCT ON (t.event_nid) t.event_nid, t.room_nid, t.sender, t.server, t.expires_ts,
        t.has_failed = 1, v.base + t.shift ${from}
      ORDER BY t.event_nid, t.n DESC, t.i DESC
      ON CONFLICT (event_nid) DO UPDATE SET
        has_failed = sticky_events.has_failed AND excluded.has_failed,
        position = CASE WHEN sticky_events.has_failed THEN excluded.position
          ELSE sticky_events.position END`,
    beyond("sender", OF_SENDER)(from),
    beyond("server", OF_SERVER)(from),
    expired("sticky_events", "event_nid")(from),
  ],
  toRecord: (row): StickyRow => row,
  read: (sql, { after, upTo, limit }) => sql<(StickyRow & { position: number })[]>`
    SELECT position, room_nid AS "roomNid", event_nid AS "eventNid", sender,
      expires_ts AS "expiresTs", has_failed AS "hasFailed"
    FROM sticky_events
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
});

interface StickyOwedRow {
  server: string;
  roomNid: number;
  eventNid: number;
  expiresTs: number;
}

/** A server has come into a room, and is sent a sticky event of one of our users. */
export const stickyOwed = defineStream({
  kind: "sticky_owed",
  columns: [
    ["server", "text"],
    ["room_nid", "bigint"],
    ["event_nid", "bigint"],
    ["expires_ts", "bigint"],
  ],
  values: ({ server, roomNid, eventNid, expiresTs }: StickyOwedRow) => [
    ...[keyText(server), roomNid, eventNid, expiresTs],
  ],
  statements: (from) => [
    `INSERT INTO sticky_owed (server, event_nid, room_nid, expires_ts, position)
      SELECT DISTINCT ON (t.server, t.event_nid) t.server, t.event_nid, t.room_nid, t.expires_ts,
        v.base + t.shift ${from}
      ORDER BY t.server, t.event_nid, t.n DESC, t.i DESC
      ON CONFLICT (server, event_nid) DO UPDATE SET position = excluded.position`,
    expired("sticky_owed", "server, event_nid")(from),
  ],
  toRecord: (row): StickyOwedRow => row,
  read: (sql, { after, upTo, limit }) => sql<(StickyOwedRow & { position: number })[]>`
    SELECT position, server, room_nid AS "roomNid", event_nid AS "eventNid",
      expires_ts AS "expiresTs"
    FROM sticky_owed
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
});
