import { eventFromStored } from "../protocol/events/event.ts";
import { serverOf } from "../protocol/identifiers.ts";
import type { EventId, ServerName } from "../protocol/identifiers.ts";
import { roomVersion } from "../protocol/room-versions.ts";
import { eventsAfterGaps } from "../storage/streams/event-kinds.ts";
import type { PlacedAppend } from "../storage/streams/kind.ts";
import type { GroupOutcome } from "../storage/append/append.ts";
import {
  accountDataChanges,
  forgottenInLog,
  liveEvents,
  membershipChanges,
  partialRoomsInLog,
  purgesInLog,
  receiptChanges,
} from "../storage/streams/log-records.ts";
import type { LiveEventRow, MembershipLogRow } from "../storage/streams/log-records.ts";
import { erasuresInLog } from "../storage/users/erased-users.ts";
import type { Sql } from "../storage/sql.ts";
import type {
  AccountDataRecord,
  ErasureRecord,
  ForgottenRecord,
  EventRecord,
  LogRecord,
  MembershipChange,
  MembershipRecord,
  NewEvent,
  PartialStateRecord,
  PurgeRecord,
  ReceiptRecord,
} from "./types.ts";

/** One kind of record: made of what this process committed, or read from the tables. */
interface RecordKind {
  /** Records of one committed append; positions are `base` plus the append's offsets. */
  made(placed: PlacedAppend, base: number, server: ServerName): LogRecord[];
  /** Up to `limit` records with after < position ≤ upTo, in order. */
  read(sql: Sql, span: Span, server: ServerName): Promise<LogRecord[]>;
}

interface Span {
  after: number;
  upTo: number;
  limit: number;
}

const STATUSES = ["accepted", "soft-failed", "rejected"] as const;

/** Events, and membership changes with or without one. */
const events: RecordKind = {
  made({ append, offsets }, base, server) {
    const changes = new Map<number, MembershipChange[]>();
    append.memberships?.forEach((change, index) => {
      if (change.since !== undefined) return;
      group(changes, base + (offsets.memberships[index] ?? 0), change);
    });
    const behindGaps = eventsAfterGaps(append);
    const records = (append.events ?? []).flatMap((added, index) => {
      const offset = offsets.events[index];
      if (offset === null || offset === undefined) return [];
      const afterGap = behindGaps.has(added.nid);
      const memberships = take(changes, base + offset);
      return [{ ...madeEvent(added, base + offset, memberships, server), afterGap }];
    });
    return [...records, ...membershipRecords(changes)];
  },
  async read(sql, { after, upTo, limit }, server) {
    const [rows, members] = await Promise.all([
      liveEvents(sql, after, upTo, limit),
      membershipChanges(sql, after, upTo, limit),
    ]);
    const changes = new Map<number, MembershipChange[]>();
    for (const row of members) group(changes, row.position, readMembership(row));
    const records = rows.map((row) => readEvent(row, take(changes, row.position), server));
    return [...records, ...membershipRecords(changes)];
  },
};

function madeEvent(
  added: NewEvent,
  position: number,
  memberships: MembershipChange[],
  server: ServerName,
): Omit<EventRecord, "afterGap"> {
  const { event } = added;
  return {
    kind: "event",
    position,
    roomNid: added.roomNid,
    roomId: event.roomId,
    eventNid: added.nid,
    event,
    status: added.status ?? "accepted",
    stateBefore: hex(added.stateBefore),
    stateAfter: hex(added.stateAfter),
    stateRoot: hex(added.roomState ?? null),
    stateChanged: added.stateChanged ?? false,
    memberships,
    local: serverOf(event.sender) === server,
    redactedBy: added.redactedBy ?? null,
    forwarded: added.forwarded ?? false,
    handedOver: added.handedOver ?? false,
  };
}

function readEvent(
  row: LiveEventRow,
  memberships: MembershipChange[],
  server: ServerName,
): EventRecord {
  const version = roomVersion(row.version);
  if (version === undefined) throw new Error(`room version ${row.version} is not supported`);
  const event = eventFromStored(row.json, version, row.event_id as EventId);
  const stateRoot = hex(row.room_state);
  return {
    kind: "event",
    position: row.position,
    roomNid: row.room_nid,
    roomId: row.room_id,
    eventNid: row.event_nid,
    event,
    status: STATUSES[row.status] ?? "rejected",
    stateBefore: hex(row.state_before),
    stateAfter: hex(row.state_after),
    stateRoot,
    stateChanged: row.status === 0 && stateRoot !== hex(row.state_root_before),
    memberships,
    local: serverOf(event.sender) === server,
    redactedBy: row.redacted_by,
    forwarded: row.forwarded,
    handedOver: row.handed_over,
    afterGap: row.after_gap,
  };
}

function readMembership(row: MembershipLogRow): MembershipChange {
  return {
    roomNid: row.room_nid,
    roomId: row.room_id,
    userId: row.user_id,
    membership: row.membership,
    eventNid: row.event_nid,
    server: row.server,
  };
}

function membershipRecords(changes: ReadonlyMap<number, MembershipChange[]>): MembershipRecord[] {
  return [...changes].flatMap(([position, list]) =>
    list.map((change) => ({ kind: "membership" as const, position, ...change })),
  );
}

const receipts: RecordKind = {
  made: ({ append, offsets }, base) =>
    (append.receipts ?? []).map((row, index): ReceiptRecord => ({
      kind: "receipt",
      position: base + (offsets.receipts[index] ?? 0),
      ...row,
    })),
  async read(sql, { after, upTo, limit }) {
    const rows = await receiptChanges(sql, after, upTo, limit);
    return rows.map((row): ReceiptRecord => ({
      kind: "receipt",
      position: row.position,
      roomNid: row.room_nid,
      roomId: row.room_id,
      userId: row.user_id,
      receiptType: row.receipt_type,
      threadId: row.thread_id,
      eventId: row.event_id,
      eventPosition: row.event_position,
      ts: row.ts,
    }));
  },
};

const accountData: RecordKind = {
  made: ({ append, offsets }, base) =>
    (append.accountData ?? []).map((row, index): AccountDataRecord => ({
      kind: "account_data",
      position: base + (offsets.accountData[index] ?? 0),
      userId: row.userId,
      roomNid: row.roomNid || null,
      type: row.type,
      content: row.content,
    })),
  async read(sql, { after, upTo, limit }) {
    const rows = await accountDataChanges(sql, after, upTo, limit);
    return rows.map((row): AccountDataRecord => ({
      kind: "account_data",
      position: row.position,
      userId: row.user_id,
      roomNid: row.room_nid || null,
      type: row.type,
      content: row.content,
    }));
  },
};

const erasures: RecordKind = {
  made: ({ append, offsets }, base) =>
    (append.erasures ?? []).map(({ userId }, index): ErasureRecord => ({
      kind: "erasure",
      position: base + (offsets.erasures[index] ?? 0),
      userId,
    })),
  async read(sql, { after, upTo, limit }) {
    const rows = await erasuresInLog(sql, after, upTo, limit);
    return rows.map((row): ErasureRecord => ({ kind: "erasure", ...row }));
  },
};

const forgotten: RecordKind = {
  made: ({ append, offsets }, base) =>
    (append.forgotten ?? []).map((row, index): ForgottenRecord => ({
      kind: "forgotten",
      position: base + (offsets.forgotten[index] ?? 0),
      ...row,
    })),
  async read(sql, { after, upTo, limit }) {
    const rows = await forgottenInLog(sql, after, upTo, limit);
    return rows.map((row): ForgottenRecord => ({ kind: "forgotten", ...row }));
  },
};

const purges: RecordKind = {
  made: ({ append, offsets }, base) =>
    (append.purges ?? []).map((row, index): PurgeRecord => ({
      kind: "purge",
      position: base + (offsets.purges[index] ?? 0),
      ...row,
    })),
  async read(sql, { after, upTo, limit }) {
    const rows = await purgesInLog(sql, after, upTo, limit);
    return rows.map(({ position, room_nid: roomNid, room_id: roomId, whole }): PurgeRecord => ({
      kind: "purge",
      position,
      roomNid,
      roomId,
      whole,
    }));
  },
};

const partialStates: RecordKind = {
  made: ({ append: { partialRoom: row }, offsets }, base) =>
    row === undefined
      ? []
      : [
          {
            kind: "partial_state",
            position: base + (offsets.partialRoom ?? 0),
            ...{ roomNid: row.roomNid, roomId: row.roomId, isComplete: row.isComplete },
          } satisfies PartialStateRecord,
        ],
  async read(sql, { after, upTo, limit }) {
    const rows = await partialRoomsInLog(sql, after, upTo, limit);
    return rows.map((row): PartialStateRecord => ({ kind: "partial_state", ...row }));
  },
};

/** All kinds. A further one is written like these and listed here. */
const KINDS: readonly RecordKind[] = [
  ...[events, receipts, accountData, erasures, forgotten, purges, partialStates],
];

/** The records of a group that this process committed, in order. */
export function recordsOfGroup(group: GroupOutcome, server: ServerName): LogRecord[] {
  const records = group.placed.flatMap((placed, index) => {
    const outcome = group.outcomes[index];
    if (outcome?.committed !== true || outcome.earlier) return [];
    return KINDS.flatMap((kind) => kind.made(placed, group.base, server));
  });
  return records.sort(byPosition);
}

/** Up to `limit` records with after < position ≤ upTo from the tables; those of one position stay together. */
export async function readRecords(
  sql: Sql,
  span: Span,
  server: ServerName,
): Promise<readonly LogRecord[]> {
  const lists = await Promise.all(KINDS.map((kind) => kind.read(sql, span, server)));
  const records = lists.flat().sort(byPosition);
  const last = records[span.limit - 1];
  return last === undefined
    ? records
    : records.filter((record) => record.position <= last.position);
}

function byPosition(a: LogRecord, b: LogRecord): number {
  return a.position - b.position;
}

function hex(root: Buffer | null): string | null {
  return root === null ? null : root.toString("hex");
}

function group<V>(map: Map<number, V[]>, key: number, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function take<V>(map: Map<number, V[]>, key: number): V[] {
  const list = map.get(key) ?? [];
  map.delete(key);
  return list;
}
