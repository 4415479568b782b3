import { defineStream } from "./stream.ts";
import { keyText } from "./text.ts";

interface PurgeRow {
  roomNid: number;
  roomId: string;
  /** The whole room was deleted; otherwise a part of its history. */
  whole: boolean;
}

/** Rows of a room were deleted: caches must drop them, too. */
export const purges = defineStream({
  kind: "purge",
  columns: [
    ["room_nid", "bigint"],
    ["room_id", "text"],
    ["whole", "int"],
  ],
  values: ({ roomNid, roomId, whole }: PurgeRow) => [roomNid, keyText(roomId), whole ? 1 : 0],
  statements: (from) => [
    `INSERT INTO purged_rooms (position, room_nid, room_id, whole)
      SELECT v.base + t.shift, t.room_nid, t.room_id, t.whole = 1 ${from}`,
  ],
  toRecord: ({ roomNid, roomId, whole }): PurgeRow => ({ roomNid, roomId, whole }),
  read: (sql, { after, upTo, limit }) => sql<(PurgeRow & { position: number })[]>`
    SELECT position, room_nid AS "roomNid", room_id AS "roomId", whole FROM purged_rooms
    WHERE position > ${after} AND position <= ${upTo} ORDER BY position LIMIT ${limit}`,
});
