import type { Append, NewEvent, RedactionRow } from "./types.ts";
import type { Offsets, RowKind } from "./row-kind.ts";
import type { Value } from "../streams/columns.ts";
import { jsonText, keyText, plainText } from "../streams/text.ts";
import { relationIn } from "../../protocol/events/relations.ts";
import { numberArray, textArray } from "../sql.ts";

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
    ["json", "jsonText"],
    ...placeColumns(),
    ...(["prev_event_ids", "auth_nids", "relates_to", "rel_type", "version"] as const).map(
      (name) => [name, "text"] as const,
    ),
  ],
  rows: ({ append, offsets }) => eventRows(append, offsets, isNew, newEventRow),
  statements: (from) => [
    `INSERT INTO events (event_nid, room_nid, event_id, type, state_key, sender, depth,
        origin_server_ts, json, position, ordinal, status, reason, state_before, state_after,
        room_state, redacted_by, forwarded, handed_over, after_gap, prev_event_ids, auth_nids,
        relates_to, rel_type, version)
      SELECT t.event_nid, t.room_nid, t.event_id, t.type, t.state_key, t.sender, t.depth,
        t.origin_server_ts, t.json, coalesce(v.base + t.shift, t.place), t.ordinal, t.status,
        t.reason, t.state_before, t.state_after, t.room_state, t.redacted_by, t.forwarded = 1,
        t.handed_over = 1, t.after_gap = 1, t.prev_event_ids::text[], t.auth_nids::bigint[],
        t.relates_to, t.rel_type, t.version ${from}`,
  ],
};

/** An outlier that gets its place in the timeline, redacted if a redaction came first. */
export const placedOutliers: RowKind = {
  name: "placed",
  columns: [
    ["event_nid", "bigint"],
    ...placeColumns(),
    ["auth_nids", "text"],
    ["json", "jsonText"],
  ],
  rows: ({ append, offsets }) =>
    eventRows(append, offsets, (event) => !isNew(event), placedEventRow),
  statements: (from) => [
    `UPDATE events e SET position = coalesce(v.base + t.shift, t.place), ordinal = t.ordinal,
        status = t.status, reason = t.reason, state_before = t.state_before,
        state_after = t.state_after, room_state = t.room_state, forwarded = t.forwarded = 1,
        handed_over = t.handed_over = 1, after_gap = t.after_gap = 1,
        auth_nids = t.auth_nids::bigint[], json = coalesce(t.json, e.json),
        redacted_by = coalesce(t.redacted_by, e.redacted_by),
        relates_to = CASE WHEN t.json IS NULL THEN e.relates_to END,
        rel_type = CASE WHEN t.json IS NULL THEN e.rel_type END
      ${from} AND e.event_nid = t.event_nid`,
  ],
};

/**
 * The position of a live event as an offset, null for others; and whether events are missing before
 * it.
 */
interface LivePlace {
  readonly shift: number | null;
  readonly afterGap: boolean;
}

/** nids of the append's live events with missing prev events. */
export function eventsAfterGaps({ events, missing }: Append): ReadonlySet<number> {
  const children = new Set((missing?.add ?? []).map((row) => row.childNid));
  const live = (events ?? []).filter(
    ({ nid, timeline }) => timeline === "live" && children.has(nid),
  );
  return new Set(live.map(({ nid }) => nid));
}

/**
 * shift: position relative to the group's base, for live events; place: a given position, for
 * history.
 */
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
    ["handed_over", "int"],
    ["after_gap", "int"],
  ] as const;
}

function eventRows(
  append: Append,
  offsets: Offsets,
  wanted: (event: NewEvent) => boolean,
  row: (event: NewEvent, at: LivePlace, own: RedactionRow | undefined) => Value[],
): Value[][] {
  if (append.events === undefined) return [];
  const behindGaps = eventsAfterGaps(append);
  return append.events.flatMap((event, index) => {
    if (!wanted(event)) return [];
    // A redaction in the same append reaches its target only here, in the statement's own rows.
    const { eventId } = event.event;
    const own = append.redactions?.find(
      (redaction) => redaction.targetEventId === eventId && redaction.redactedJson !== undefined,
    );
    const shift = offsets.events[index] ?? null;
    return [row(event, { shift, afterGap: behindGaps.has(event.nid) }, own)];
  });
}

function newEventRow(added: NewEvent, at: LivePlace, own?: RedactionRow): Value[] {
  const { event } = added;
  const json = own?.redactedJson ?? event.json();
  return [
    ...[added.nid, added.roomNid, keyText(event.eventId), plainText(event.type)],
    event.stateKey === undefined ? null : plainText(event.stateKey),
    ...[keyText(event.sender), event.depth, event.originServerTs, jsonText(json)],
    ...placeOf(own === undefined ? added : { ...added, redactedBy: own.redactionNid }, at),
    ...[textArray(event.prevEventIds), numberArray(added.authNids)],
    ...(own === undefined ? relationOf(added) : [null, null]),
    event.version.id,
  ];
}

function placedEventRow(placed: NewEvent, at: LivePlace): Value[] {
  const json = placed.redactedBy === undefined ? null : jsonText(placed.event.json());
  return [placed.nid, ...placeOf(placed, at), numberArray(placed.authNids), json];
}

function placeOf(event: NewEvent, { shift, afterGap }: LivePlace): Value[] {
  const history = typeof event.timeline === "object" ? event.timeline : undefined;
  return [
    ...[shift, history?.position ?? null, history?.ordinal ?? 0],
    ...[STATUS[event.status ?? "accepted"], event.reason ?? null],
    ...[event.stateBefore, event.stateAfter, event.roomState ?? null],
    ...[event.redactedBy ?? null, event.forwarded === true ? 1 : 0],
    ...[event.handedOver === true ? 1 : 0, afterGap ? 1 : 0],
  ];
}

/** Relation's target and type, when it has one. */
function relationOf({ event }: NewEvent): [string | null, string | null] {
  const relation = relationIn(event.content);
  return relation === undefined ? [null, null] : [relation.eventId, relation.relType];
}
