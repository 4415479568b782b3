import type { Append, NewEvent, RedactionRow } from "./append-types.ts";
import type { Offsets, RowKind, Value } from "./append-kind.ts";
import { keyText, plainText } from "./append-text.ts";
import { relationIn } from "../protocol/relations.ts";
import { numberArray, textArray } from "./sql.ts";

const STATUS = { accepted: 0, "soft-failed": 1, rejected: 2 };

const isNew = (event: NewEvent) => event.stored !== true;

export const events: RowKind = {
  name: "events",
  columns: [
    ...(["event_nid", "room_nid"] as const).map((name) => [name, "bigint"] as const),
    ...(["event_id", "type", "state_key", "sender"] as const).map(
      (name) => [name, "text"] as const,
    ),
    ...(["depth", "origin_server_ts"] as const).map((name) => [name, "bigint"] as const),
    ["json", "text"],
    ...placeColumns(),
    ...(["prev_event_ids", "auth_nids", "relates_to", "rel_type"] as const).map(
      (name) => [name, "text"] as const,
    ),
  ],
  rows: ({ append, offsets }) => eventRows(append, offsets, isNew, newEventRow),
  statements: (from) => [
    `INSERT INTO events (event_nid, room_nid, event_id, type, state_key, sender, depth,
        origin_server_ts, json, position, ordinal, status, reason, state_before, state_after,
        room_state, redacted_by, forwarded, prev_event_ids, auth_nids, relates_to, rel_type)
      SELECT t.event_nid, t.room_nid, t.event_id, t.type, t.state_key, t.sender, t.depth,
        t.origin_server_ts, t.json, coalesce(v.base + t.shift, t.place), t.ordinal, t.status,
        t.reason, t.state_before, t.state_after, t.room_state, t.redacted_by, t.forwarded = 1,
        t.prev_event_ids::text[], t.auth_nids::bigint[], t.relates_to, t.rel_type ${from}`,
  ],
};

/** An outlier that is given its place in the timeline. */
export const placedOutliers: RowKind = {
  name: "placed",
  columns: [["event_nid", "bigint"], ...placeColumns(), ["auth_nids", "text"]],
  rows: ({ append, offsets }) =>
    eventRows(append, offsets, (event) => !isNew(event), placedEventRow),
  statements: (from) => [
    `UPDATE events e SET position = coalesce(v.base + t.shift, t.place), ordinal = t.ordinal,
        status = t.status, reason = t.reason, state_before = t.state_before,
        state_after = t.state_after, room_state = t.room_state, forwarded = t.forwarded = 1,
        auth_nids = t.auth_nids::bigint[]
      ${from} AND e.event_nid = t.event_nid`,
  ],
};

/** shift: position counted from the group's base, for live events; place: a given one, for history. */
function placeColumns() {
  return [
    ["shift", "int"],
    ["place", "bigint"],
    ["ordinal", "int"],
    ["status", "int"],
    ["reason", "text"],
    ["state_before", "bytea"],
    ["state_after", "bytea"],
    ["room_state", "bytea"],
    ["redacted_by", "bigint"],
    ["forwarded", "int"],
  ] as const;
}

function eventRows(
  append: Append,
  offsets: Offsets,
  wanted: (event: NewEvent) => boolean,
  row: (event: NewEvent, shift: number | null, own: RedactionRow | undefined) => Value[],
): Value[][] {
  if (append.events === undefined) return [];
  return append.events.flatMap((event, index) => {
    if (!wanted(event)) return [];
    // A redaction in the same append finds its target in the same statement's rows only here.
    const { eventId } = event.event;
    const own = append.redactions?.find(
      (redaction) => redaction.targetEventId === eventId && redaction.redactedJson !== undefined,
    );
    return [row(event, offsets.events[index] ?? null, own)];
  });
}

function newEventRow(added: NewEvent, shift: number | null, own?: RedactionRow): Value[] {
  const { event } = added;
  const json = own?.redactedJson ?? event.json();
  return [
    ...[added.nid, added.roomNid, keyText(event.eventId), keyText(event.type)],
    event.stateKey === undefined ? null : keyText(event.stateKey),
    ...[keyText(event.sender), event.depth, event.originServerTs, plainText(json)],
    ...placeOf(own === undefined ? added : { ...added, redactedBy: own.redactionNid }, shift),
    ...[textArray(event.prevEventIds), numberArray(added.authNids)],
    ...(own === undefined ? relationOf(added) : [null, null]),
  ];
}

function placedEventRow(placed: NewEvent, shift: number | null): Value[] {
  return [placed.nid, ...placeOf(placed, shift), numberArray(placed.authNids)];
}

function placeOf(event: NewEvent, shift: number | null): Value[] {
  const history = typeof event.timeline === "object" ? event.timeline : undefined;
  return [
    ...[shift, history?.position ?? null, history?.ordinal ?? 0],
    ...[STATUS[event.status ?? "accepted"], event.reason ?? null],
    ...[event.stateBefore, event.stateAfter, event.roomState ?? null],
    ...[event.redactedBy ?? null, event.forwarded === true ? 1 : 0],
  ];
}

/** Relation's target and type, when it has one. */
function relationOf({ event }: NewEvent): [string | null, string | null] {
  const relation = relationIn(event.content);
  return relation === undefined ? [null, null] : [relation.eventId, relation.relType];
}
