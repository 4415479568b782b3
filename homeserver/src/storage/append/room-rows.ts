import type { RowKind } from "./row-kind.ts";
import { jsonText, keyText } from "../streams/text.ts";

export const stateNodes: RowKind = {
  name: "nodes",
  columns: [
    ["hash", "bytea"],
    ["data", "bytea"],
  ],
  rows: ({ append }) => (append.stateNodes ?? []).map(({ hash, data }) => [hash, data]),
  statements: (from) => [
    // An existing node is marked as needed: it may be about to be collected as garbage.
    `INSERT INTO state_nodes AS s (hash, data, epoch)
      SELECT DISTINCT ON (t.hash) t.hash, t.data, v.epoch ${from}
      ON CONFLICT (hash) DO UPDATE SET epoch = excluded.epoch WHERE s.epoch < excluded.epoch`,
  ],
};

export const currentState: RowKind = {
  name: "current",
  columns: [
    ["room_nid", "bigint"],
    ["type", "text"],
    ["state_key", "text"],
    ["event_nid", "bigint"],
  ],
  rows: ({ append: { currentState: state } }) =>
    (state?.changes ?? []).map((change) => [
      ...[state?.roomNid ?? 0, keyText(change.type), keyText(change.stateKey)],
      change.eventNid,
    ]),
  statements: (from) => {
    const last = `(SELECT DISTINCT ON (t.room_nid, t.type, t.state_key)
        t.room_nid, t.type, t.state_key, t.event_nid ${from}
        ORDER BY t.room_nid, t.type, t.state_key, t.n DESC, t.i DESC) AS l`;
    return [
      `INSERT INTO current_state (room_nid, type, state_key, event_nid)
        SELECT l.* FROM ${last} WHERE l.event_nid IS NOT NULL
        ON CONFLICT (room_nid, type, state_key) DO UPDATE SET event_nid = excluded.event_nid`,
      `DELETE FROM current_state c USING ${last}
        WHERE l.event_nid IS NULL AND c.room_nid = l.room_nid AND c.type = l.type
          AND c.state_key = l.state_key`,
    ];
  },
};

export const memberships: RowKind = {
  name: "members",
  columns: [
    ["room_nid", "bigint"],
    ["user_id", "text"],
    ["server", "text"],
    ["membership", "text"],
    ["event_nid", "bigint"],
    ["shift", "int"],
    ["since", "bigint"],
  ],
  rows: ({ append, offsets }) =>
    (append.memberships ?? []).map((change, index) => [
      ...[change.roomNid, keyText(change.userId), keyText(change.server)],
      ...[change.membership, change.eventNid, offsets.memberships[index] ?? 0],
      change.since ?? null,
    ]),
  statements: (from) => {
    const last = `(SELECT DISTINCT ON (t.room_nid, t.user_id)
        t.room_nid, t.user_id, t.server, t.membership, t.event_nid,
        coalesce(t.since, v.base + t.shift) AS position ${from}
        ORDER BY t.room_nid, t.user_id, t.n DESC, t.i DESC) AS l`;
    return [
      `INSERT INTO memberships AS m
          (room_nid, user_id, server, membership, event_nid, position, joined_at)
        SELECT l.*, l.position FROM ${last}
        ON CONFLICT (room_nid, user_id) DO UPDATE SET membership = excluded.membership,
          event_nid = excluded.event_nid, position = excluded.position,
          joined_at = CASE WHEN m.membership = 'join' THEN m.joined_at ELSE excluded.joined_at END,
          forgotten = m.forgotten AND excluded.membership IN ('leave', 'ban')`,
      // The rows as they were before. The room's head has been compared: nobody wrote to them since.
      `INSERT INTO past_stays (user_id, room_nid, joined_at, left_at)
        SELECT m.user_id, m.room_nid, m.joined_at, l.position FROM ${last}
          JOIN memberships m ON m.room_nid = l.room_nid AND m.user_id = l.user_id
        WHERE l.membership <> 'join' AND m.membership = 'join' AND m.joined_at < l.position
        ORDER BY m.user_id, m.room_nid ON CONFLICT DO NOTHING`,
    ];
  },
};

export const redactions: RowKind = {
  name: "redacted",
  columns: [
    ["target", "text"],
    ["redaction_nid", "bigint"],
    ["json", "jsonText"],
  ],
  rows: ({ append }) =>
    (append.redactions ?? []).map((row) => [
      ...[keyText(row.targetEventId), row.redactionNid],
      row.redactedJson === undefined ? null : jsonText(row.redactedJson),
    ]),
  statements: (from) => [
    `INSERT INTO redactions (target_event_id, redaction_nid)
      SELECT t.target, t.redaction_nid ${from} ON CONFLICT DO NOTHING`,
    `UPDATE events e SET json = t.json, redacted_by = t.redaction_nid, relates_to = NULL,
        rel_type = NULL
      ${from} AND t.json IS NOT NULL AND e.event_id = t.target`,
    // What is told of the room may have stood in the event.
    `UPDATE room_stats s SET revision = s.revision + 1
      FROM (SELECT DISTINCT e.room_nid FROM (SELECT t.target, t.json ${from}) AS l
        JOIN events e ON e.event_id = l.target
        WHERE l.json IS NOT NULL AND e.state_key = '') AS named
      WHERE s.room_nid = named.room_nid`,
    // They stay, so that it is known that these files were seen by the server.
    `UPDATE media_references r SET redacted = true
      FROM (SELECT e.event_nid FROM (SELECT t.target, t.json ${from}) AS l
        JOIN events e ON e.event_id = l.target WHERE strpos(l.json, '://') = 0) AS named
      WHERE r.event_nid = named.event_nid`,
  ],
};

export const missing: RowKind = {
  name: "missing",
  columns: [
    ["room_nid", "bigint"],
    ["event_id", "text"],
    ["child_nid", "bigint"],
  ],
  rows: ({ append }) =>
    (append.missing?.add ?? []).map((row) => [row.roomNid, keyText(row.eventId), row.childNid]),
  statements: (from) => [
    `INSERT INTO missing_events (room_nid, event_id, child_nid)
      SELECT t.room_nid, t.event_id, t.child_nid ${from} ON CONFLICT DO NOTHING`,
  ],
};

export const found: RowKind = {
  name: "found",
  columns: [
    ["room_nid", "bigint"],
    ["event_id", "text"],
  ],
  rows: ({ append }) =>
    (append.missing?.remove ?? []).map((row) => [row.roomNid, keyText(row.eventId)]),
  statements: (from) => [
    `DELETE FROM missing_events m USING (SELECT t.room_nid, t.event_id ${from}) AS l
      WHERE m.room_nid = l.room_nid AND m.event_id = l.event_id`,
  ],
};
