import { defineStream, forgottenOf, membershipsOf } from "./stream.ts";
import { keyText } from "./text.ts";

interface ForgottenRow {
  roomNid: number;
  roomId: string;
  userId: string;
}

/** A user forgot a room that they are out of; without effect when they are in it. */
export const forgottenRooms = defineStream({
  kind: "forgotten",
  columns: [
    ["room_nid", "bigint"],
    ["user_id", "text"],
  ],
  values: ({ roomNid, userId }: ForgottenRow) => [roomNid, keyText(userId)],
  statements: (from) => [
    `UPDATE memberships m SET forgotten = true, forgotten_position = v.base + t.shift
      ${from} AND m.room_nid = t.room_nid AND m.user_id = t.user_id
        AND m.membership IN ('leave', 'ban')`,
  ],
  toRecord: ({ roomNid, roomId, userId }): ForgottenRow => ({ roomNid, roomId, userId }),
  read: (sql, { after, upTo, limit }) => sql<(ForgottenRow & { position: number })[]>`
    SELECT m.forgotten_position AS position, m.room_nid AS "roomNid", r.room_id AS "roomId",
      m.user_id AS "userId"
    FROM memberships m JOIN rooms r USING (room_nid)
    WHERE m.forgotten_position > ${after} AND m.forgotten_position <= ${upTo} AND m.forgotten
    ORDER BY m.forgotten_position LIMIT ${limit}`,
  // Whether the user is out of the room depends on rows that the same statement may write.
  claims: ({ roomNid }) => forgottenOf(roomNid),
  needs: ({ roomNid }) => membershipsOf(roomNid),
});
