/** Rows of rooms whose state is not whole yet. */
import type { RowKind } from "./kind.ts";
import { keyText } from "./text.ts";
import { textArray } from "../sql.ts";

const STATUS = { accepted: 0, "soft-failed": 1, rejected: 2 };

export const partialRooms: RowKind = {
  name: "partial",
  columns: [
    ["room_nid", "bigint"],
    ["join_nid", "bigint"],
    ["servers", "text"],
    ["fetched", "int"],
    ["complete", "int"],
    ["shift", "int"],
    ["fresh", "int"],
  ],
  rows: ({ append: { partialRoom: row }, offsets }) =>
    row === undefined
      ? []
      : [
          [
            ...[row.roomNid, row.joinNid, textArray(row.servers.map((name) => keyText(name)))],
            ...[row.isFetched ? 1 : 0, row.isComplete ? 1 : 0, offsets.partialRoom ?? 0],
            row.isNew === true ? 1 : 0,
          ],
        ],
  statements: (from) => [
    `INSERT INTO partial_rooms AS p (room_nid, join_nid, servers, fetched, complete, position)
      SELECT t.room_nid, t.join_nid, t.servers::text[], t.fetched = 1, t.complete = 1,
        v.base + t.shift ${from} AND (t.fresh = 1 OR NOT EXISTS (
          SELECT 1 FROM partial_rooms o WHERE o.room_nid = t.room_nid AND o.join_nid <> t.join_nid))
      ON CONFLICT (room_nid) DO UPDATE SET join_nid = excluded.join_nid,
        servers = excluded.servers, fetched = excluded.fetched, complete = excluded.complete,
        position = excluded.position, next_try = 0`,
  ],
};

/** Events that are here already, and whose states are told anew. */
export const restated: RowKind = {
  name: "restated",
  columns: [
    ["event_nid", "bigint"],
    ["status", "int"],
    ["reason", "text"],
    ["state_before", "bytea"],
    ["state_after", "bytea"],
    ["room_state", "bytea"],
  ],
  rows: ({ append }) =>
    (append.restated ?? []).map((row) => [
      ...[row.nid, STATUS[row.status], row.reason ?? null],
      ...[row.stateBefore, row.stateAfter, row.roomState],
    ]),
  statements: (from) => [
    `UPDATE events e SET status = t.status, reason = coalesce(t.reason, e.reason),
        state_before = t.state_before, state_after = t.state_after, room_state = t.room_state
      ${from} AND e.event_nid = t.event_nid`,
  ],
};
