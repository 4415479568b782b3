import { numberArray } from "../sql.ts";
import { defineStream } from "./stream.ts";

interface HistoryRow {
  roomNid: number;
  /** The new events; none of them is rejected. */
  eventNids: readonly number[];
}

/**
 * Records that are kept of each room: the newest. Whoever reads later than that learns that history
 * arrived, and not of all of it which.
 */
const RECORDS_KEPT = 200;

/** Older events of a room arrived from another server and were placed in front of stored ones. */
export const history = defineStream({
  kind: "history",
  columns: [
    ["room_nid", "bigint"],
    ["event_nids", "text"],
  ],
  values: ({ roomNid, eventNids }: HistoryRow) => [roomNid, numberArray(eventNids)],
  statements: (from) => [
    `INSERT INTO arrived_history (position, room_nid, event_nids)
      SELECT v.base + t.shift, t.room_nid, t.event_nids::bigint[] ${from}`,
    `DELETE FROM arrived_history a USING (SELECT DISTINCT t.room_nid ${from}) AS l
      WHERE a.room_nid = l.room_nid AND a.position <= (
        SELECT k.position FROM arrived_history k WHERE k.room_nid = l.room_nid
        ORDER BY k.position DESC OFFSET ${RECORDS_KEPT - 1} LIMIT 1)`,
  ],
  toRecord: ({ roomNid, eventNids }): HistoryRow => ({ roomNid, eventNids }),
  read: (sql, { after, upTo, limit }) => sql<(HistoryRow & { position: number })[]>`
    SELECT position, room_nid AS "roomNid", event_nids AS "eventNids" FROM arrived_history
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
  bytes: ({ eventNids }) => eventNids.length * 8,
});
