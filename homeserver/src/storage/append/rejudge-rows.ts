/** Rows that update stored events: new states, new verdicts. */
import type { RowKind } from "./row-kind.ts";

const STATUS = { accepted: 0, "soft-failed": 1, rejected: 2 };

/** Stored events whose states were recomputed. */
export const recomputed: RowKind = {
  name: "recomputed",
  columns: [
    ["event_nid", "bigint"],
    ["status", "int"],
    ["reason", "text"],
    ["state_before", "bytea"],
    ["state_after", "bytea"],
    ["room_state", "bytea"],
  ],
  rows: ({ append }) =>
    (append.recomputed ?? []).map((row) => [
      ...[row.nid, STATUS[row.status], row.reason ?? null],
      ...[row.stateBefore, row.stateAfter, row.roomState],
    ]),
  statements: (from) => [
    `UPDATE events e SET status = t.status, reason = coalesce(t.reason, e.reason),
        state_before = t.state_before, state_after = t.state_after, room_state = t.room_state
      ${from} AND e.event_nid = t.event_nid`,
  ],
};

export const toRejudge: RowKind = {
  name: "rejudge",
  columns: [
    ["room_nid", "bigint"],
    ["accepted_nid", "bigint"],
  ],
  rows: ({ append }) => (append.toRejudge ?? []).map((row) => [row.roomNid, row.acceptedNid]),
  statements: (from) => [
    `INSERT INTO events_to_rejudge (room_nid, accepted_nid)
      SELECT t.room_nid, t.accepted_nid ${from} ON CONFLICT DO NOTHING`,
  ],
};
