/** Log records of live events and memberships: from an append, or from the tables. */
import { eventFromStored } from "../protocol/events/event.ts";
import { serverOf } from "../protocol/identifiers.ts";
import type { EventId, ServerName } from "../protocol/identifiers.ts";
import { roomVersion } from "../protocol/room-versions.ts";
import { eventsAfterGaps } from "../storage/append/event-rows.ts";
import type { PlacedAppend } from "../storage/append/row-kind.ts";
import { liveEvents, membershipChanges } from "../storage/append/live-events.ts";
import type { LiveEventRow, MembershipLogRow } from "../storage/append/live-events.ts";
import type { Span } from "../storage/streams/stream.ts";
import type { Sql } from "../storage/sql.ts";
import type { EventRecord, MembershipChange, MembershipRecord, NewEvent } from "./types.ts";

const STATUSES = ["accepted", "soft-failed", "rejected"] as const;

/**
 * Events, and membership changes with or without an event, of one committed append; positions are
 * `base` plus its offsets.
 */
export function madeEvents(
  { append, offsets }: PlacedAppend,
  base: number,
  server: ServerName,
): (EventRecord | MembershipRecord)[] {
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
}

/** Up to `limit` of them from the tables, and all others at the same positions. */
export async function readEvents(
  sql: Sql,
  span: Span,
  server: ServerName,
): Promise<(EventRecord | MembershipRecord)[]> {
  const [rows, members] = await Promise.all([liveEvents(sql, span), membershipChanges(sql, span)]);
  const changes = new Map<number, MembershipChange[]>();
  for (const row of members) group(changes, row.position, readMembership(row));
  const records = rows.map((row) => readEvent(row, take(changes, row.position), server));
  return [...records, ...membershipRecords(changes)];
}

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
  const stateChanged = row.status === 0 && stateRoot !== hex(row.state_root_before);
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
    ...{ stateChanged, memberships },
    ...(stateChanged ? { mayLackMemberships: true } : {}),
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
