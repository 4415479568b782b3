import { textArray } from "../sql.ts";
import { defineStream } from "./stream.ts";
import { keyText } from "./text.ts";

export interface PartialRoomChange {
  roomNid: number;
  roomId: string;
  /** nid of the join with which this server entered the room. */
  joinNid: number;
  servers: readonly string[];
  /**
   * The complete state before the join is known. Complete without it: given up, since no local user
   * is in the room.
   */
  isFetched: boolean;
  isComplete: boolean;
  /** The server has just joined: an earlier join's entry no longer counts. */
  isNew?: boolean;
}

interface PartialState {
  roomNid: number;
  roomId: string;
  isComplete: boolean;
}

/**
 * A room's state is partial from here on, or (`isComplete`) complete again: the states of its
 * events have changed.
 */
export const partialRooms = defineStream({
  kind: "partial_state",
  columns: [
    ["room_nid", "bigint"],
    ["join_nid", "bigint"],
    ["servers", "text"],
    ["fetched", "int"],
    ["complete", "int"],
    ["fresh", "int"],
  ],
  values: (row: PartialRoomChange) => [
    ...[row.roomNid, row.joinNid, textArray(row.servers.map((name) => keyText(name)))],
    ...[row.isFetched, row.isComplete, row.isNew === true].map((flag) => (flag ? 1 : 0)),
  ],
  statements: (from) => [
    `INSERT INTO partial_rooms AS p (room_nid, join_nid, servers, fetched, complete, position)
      SELECT t.room_nid, t.join_nid, t.servers::text[], t.fetched = 1, t.complete = 1,
        v.base + t.shift ${from} AND (t.fresh = 1 OR NOT EXISTS (
          SELECT 1 FROM partial_rooms o WHERE o.room_nid = t.room_nid AND o.join_nid <> t.join_nid))
      ON CONFLICT (room_nid) DO UPDATE SET join_nid = excluded.join_nid,
        servers = excluded.servers, fetched = excluded.fetched, complete = excluded.complete,
        position = excluded.position, next_try = 0`,
    `INSERT INTO partial_times (join_nid, room_nid, began)
      SELECT t.join_nid, t.room_nid, v.base + t.shift ${from} AND t.fresh = 1 AND t.complete = 0
      ON CONFLICT DO NOTHING`,
    // Another join of this server ends the time after its last one.
    `UPDATE partial_times p SET ended = v.base + t.shift ${from}
      AND p.room_nid = t.room_nid AND p.ended IS NULL
      AND CASE WHEN t.fresh = 1 THEN p.join_nid <> t.join_nid
               ELSE t.complete = 1 AND p.join_nid = t.join_nid END`,
  ],
  toRecord: ({ roomNid, roomId, isComplete }): PartialState => ({ roomNid, roomId, isComplete }),
  read: (sql, { after, upTo, limit }) => sql<(PartialState & { position: number })[]>`
    SELECT p.position, p.room_nid AS "roomNid", r.room_id AS "roomId", p.complete AS "isComplete"
    FROM partial_rooms p JOIN rooms r USING (room_nid)
    WHERE p.position > ${after} AND p.position <= ${upTo} ORDER BY p.position LIMIT ${limit}`,
  claims: ({ roomNid }) => `p ${roomNid}`,
});
