import type { RowKind } from "./kind.ts";
import { keyText, plainText } from "./text.ts";

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

export const receipts: RowKind = {
  name: "receipts",
  columns: [
    ["room_nid", "bigint"],
    ["user_id", "text"],
    ["receipt_type", "text"],
    ["thread_id", "text"],
    ["event_id", "text"],
    ["event_position", "bigint"],
    ["ts", "bigint"],
    ["shift", "int"],
  ],
  rows: ({ append, offsets }) =>
    (append.receipts ?? []).map((row, index) => [
      ...[row.roomNid, keyText(row.userId), keyText(row.receiptType), keyText(row.threadId)],
      ...[keyText(row.eventId), row.eventPosition, row.ts, offsets.receipts[index] ?? 0],
    ]),
  statements: (from) => [
    `INSERT INTO receipts (room_nid, user_id, receipt_type, thread_id, event_id, event_position,
        ts, position)
      SELECT DISTINCT ON (t.room_nid, t.user_id, t.receipt_type, t.thread_id) t.room_nid,
        t.user_id, t.receipt_type, t.thread_id, t.event_id, t.event_position, t.ts,
        v.base + t.shift ${from}
      ORDER BY t.room_nid, t.user_id, t.receipt_type, t.thread_id, t.n DESC, t.i DESC
      ON CONFLICT (room_nid, user_id, receipt_type, thread_id) DO UPDATE SET
        event_id = excluded.event_id, event_position = excluded.event_position,
        ts = excluded.ts, position = excluded.position`,
  ],
};

export const accountData: RowKind = {
  name: "account",
  columns: [
    ["user_id", "text"],
    ["room_nid", "bigint"],
    ["type", "text"],
    ["content", "text"],
    ["shift", "int"],
  ],
  rows: ({ append, offsets }) =>
    (append.accountData ?? []).map((row, index) => [
      ...[keyText(row.userId), row.roomNid ?? 0, keyText(row.type), plainText(row.content)],
      offsets.accountData[index] ?? 0,
    ]),
  statements: (from) => [
    `INSERT INTO account_data (user_id, room_nid, type, content, position)
      SELECT DISTINCT ON (t.user_id, t.room_nid, t.type)
        t.user_id, t.room_nid, t.type, t.content, v.base + t.shift ${from}
      ORDER BY t.user_id, t.room_nid, t.type, t.n DESC, t.i DESC
      ON CONFLICT (user_id, room_nid, type) DO UPDATE SET content = excluded.content,
        position = excluded.position`,
  ],
};

export const erasures: RowKind = {
  name: "erasures",
  columns: [
    ["user_id", "text"],
    ["shift", "int"],
  ],
  rows: ({ append, offsets }) =>
    (append.erasures ?? []).map(({ userId }, index) => [
      ...[keyText(userId), offsets.erasures[index] ?? 0],
    ]),
  statements: (from) => [
    `INSERT INTO erased_users (user_id, position)
      SELECT DISTINCT ON (t.user_id) t.user_id, v.base + t.shift ${from} ORDER BY t.user_id, t.shift
      ON CONFLICT (user_id) DO NOTHING`,
  ],
};

export const forgotten: RowKind = {
  name: "forgotten",
  columns: [
    ["room_nid", "bigint"],
    ["user_id", "text"],
    ["shift", "int"],
  ],
  rows: ({ append, offsets }) =>
    (append.forgotten ?? []).map((row, index) => [
      ...[row.roomNid, keyText(row.userId), offsets.forgotten[index] ?? 0],
    ]),
  statements: (from) => [
    `UPDATE memberships m SET forgotten = true, forgotten_position = v.base + t.shift
      ${from} AND m.room_nid = t.room_nid AND m.user_id = t.user_id
        AND m.membership IN ('leave', 'ban')`,
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
