import type { RowKind } from "./row-kind.ts";
import { keyText, plainText } from "../streams/text.ts";

export const transactions: RowKind = {
  name: "txns",
  columns: [
    ["user_id", "text"],
    ["device_id", "text"],
    ["scope", "text"],
    ["txn_id", "text"],
    ["event_id", "text"],
  ],
  rows: ({ append: { transaction: txn } }) =>
    txn === undefined
      ? []
      : [[txn.userId, txn.deviceId, txn.scope, txn.txnId, txn.eventId].map((key) => keyText(key))],
  statements: (from) => [
    `INSERT INTO client_transactions (user_id, device_id, scope, txn_id, event_id, created_ts)
      SELECT t.user_id, t.device_id, t.scope, t.txn_id, t.event_id,
        (extract(epoch FROM now()) * 1000)::bigint ${from}`,
  ],
};

export const strippedRooms: RowKind = {
  name: "stripped",
  columns: [
    ["room_nid", "bigint"],
    ["user_id", "text"],
    ["state", "text"],
    ["origin", "text"],
  ],
  rows: ({ append }) =>
    (append.strippedRooms ?? []).map((row) => [
      ...[row.roomNid, keyText(row.userId)],
      row.strippedState === null ? null : plainText(row.strippedState),
      row.origin ?? null,
    ]),
  statements: (from) => {
    const last = `(SELECT DISTINCT ON (t.room_nid, t.user_id) t.room_nid, t.user_id, t.state, t.origin ${from}
        ORDER BY t.room_nid, t.user_id, t.n DESC, t.i DESC) AS l`;
    return [
      `INSERT INTO stripped_rooms (room_nid, user_id, stripped_state, origin)
        SELECT l.* FROM ${last} WHERE l.state IS NOT NULL
        ON CONFLICT (room_nid, user_id) DO UPDATE SET stripped_state = excluded.stripped_state,
          origin = excluded.origin`,
      `DELETE FROM stripped_rooms s USING ${last}
        WHERE l.state IS NULL AND s.room_nid = l.room_nid AND s.user_id = l.user_id`,
    ];
  },
};
