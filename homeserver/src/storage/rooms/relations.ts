import { numberArray, textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

/** True when the sender has such an annotation in force. */
export async function hasAnnotation(
  sql: Sql | Tx,
  roomNid: number,
  annotation: { target: string; type: string; sender: string; key: string },
): Promise<boolean> {
  const rows = await sql<{ json: string }[]>`
    SELECT json FROM events
    WHERE relates_to = ${annotation.target} AND rel_type = 'm.annotation'
      AND room_nid = ${roomNid} AND sender = ${annotation.sender} AND type = ${annotation.type}
      AND redacted_by IS NULL AND status = 0`;
  return rows.some(({ json }) => {
    const pdu = JSON.parse(json) as { content?: { "m.relates_to"?: { key?: unknown } } };
    return pdu.content?.["m.relates_to"]?.key === annotation.key;
  });
}

/** An event that relates to another, as bundled aggregations look at it. */
export interface ChildRow {
  nid: number;
  eventId: string;
  target: string;
  relType: string;
  type: string;
  sender: string;
  originServerTs: number;
  position: number;
  stateBefore: Buffer | null;
}

/** What is looked for of those that relate to an event. */
export interface Target {
  readonly roomNid: number;
  readonly eventId: string;
  readonly sender: string;
  readonly type: string;
}

/**
 * Events that relate to these, in the order of the timeline: for bundled aggregations. Of one
 * target the newest MAX_CHILDREN of each relation; of replacements those by the target's sender and
 * of its type, which alone can count.
 */
export async function relationsTo(
  sql: Sql | Tx,
  targets: readonly Target[],
  relTypes: readonly string[],
): Promise<ChildRow[]> {
  const rooms = targets.map(({ roomNid }) => roomNid);
  const ids = targets.map(({ eventId }) => eventId);
  const senders = targets.map(({ sender }) => sender);
  const types = targets.map(({ type }) => type);
  return sql<ChildRow[]>`
    SELECT * FROM (
      SELECT child.* FROM unnest(
        ${textArray(ids)}::text[], ${textArray(senders)}::text[], ${textArray(types)}::text[],
        ${numberArray(rooms)}::bigint[]
      ) AS t (target, target_sender, target_type, target_room)
      CROSS JOIN unnest(${textArray(relTypes)}::text[]) AS r (rel_type)
      CROSS JOIN LATERAL (
        SELECT event_nid AS nid, event_id AS "eventId", relates_to AS target, rel_type AS "relType",
          type, sender, origin_server_ts AS "originServerTs", position, ordinal,
          state_before AS "stateBefore"
        FROM events
        WHERE relates_to = t.target AND rel_type = r.rel_type AND room_nid = t.target_room
          AND position IS NOT NULL AND status = 0 AND redacted_by IS NULL
          AND (r.rel_type <> 'm.replace'
            OR state_key IS NULL AND sender = t.target_sender AND type = t.target_type)
        ORDER BY position DESC, ordinal DESC LIMIT ${MAX_CHILDREN}
      ) AS child
    ) AS all_children
    ORDER BY position, ordinal`;
}

/**
 * Events that relate to these in one of the ways, or by one of the senders, or both: for filters
 * that ask for it. Of one target the newest MAX_ASKED.
 */
export async function relatedTo(
  sql: Sql | Tx,
  roomNid: number,
  targets: readonly string[],
  by: {
    readonly relTypes: readonly string[] | undefined;
    readonly senders: readonly string[] | undefined;
    /** Their events do not count. */
    readonly ignored: readonly string[];
  },
): Promise<ChildRow[]> {
  const among = (column: "rel_type" | "sender", list: readonly string[] | undefined) =>
    list === undefined ? sql`` : sql`AND ${sql(column)} = ANY (${textArray(list)}::text[])`;
  const heard =
    by.ignored.length === 0 ? sql`` : sql`AND sender <> ALL (${textArray(by.ignored)}::text[])`;
  return sql<ChildRow[]>`
    SELECT child.* FROM unnest(${textArray(targets)}::text[]) AS t (target)
    CROSS JOIN LATERAL (
      SELECT event_nid AS nid, event_id AS "eventId", relates_to AS target, rel_type AS "relType",
        type, sender, origin_server_ts AS "originServerTs", position, state_before AS "stateBefore"
      FROM events
      WHERE relates_to = t.target AND room_nid = ${roomNid}
        AND position IS NOT NULL AND status = 0 AND redacted_by IS NULL
        ${among("rel_type", by.relTypes)} ${among("sender", by.senders)} ${heard}
      ORDER BY position DESC, ordinal DESC LIMIT ${MAX_ASKED}
    ) AS child`;
}

/** Of one event no more are looked at to tell whether there is one that the reader may see. */
const MAX_ASKED = 200;

/** Of one event and one relation no more are looked at: a thread's count is an approximate one. */
const MAX_CHILDREN = 10_000;

/**
 * One page of the events that relate to an event, beyond a place in the timeline: directly, or by
 * up to `depth` relations one behind the other. Relation and type are asked of each, so that none
 * is found by way of one that does not fit. (Client-server API, "Relationships API".)
 */
export async function relationsPage(
  sql: Sql | Tx,
  query: {
    roomNid: number;
    target: string;
    relType: string | undefined;
    type: string | undefined;
    depth: number;
    direction: "b" | "f";
    /** Exclusive in the direction read; undefined: from the end. */
    from: Place | undefined;
    to: Place | undefined;
    limit: number;
  },
): Promise<{ nid: number; position: number; ordinal: number }[]> {
  const backwards = query.direction === "b";
  const ofType = query.type === undefined ? sql`` : sql`AND type = ${query.type}`;
  const ofRelation = query.relType === undefined ? sql`` : sql`AND rel_type = ${query.relType}`;
  const [newest, oldest] = backwards ? [query.from, query.to] : [query.to, query.from];
  const upTo =
    newest === undefined
      ? sql``
      : sql`AND (position, ordinal) <= (${newest.position}, ${newest.ordinal})`;
  const after =
    oldest === undefined
      ? sql``
      : sql`AND (position, ordinal) > (${oldest.position}, ${oldest.ordinal})`;
  const order = backwards
    ? sql`ORDER BY position DESC, ordinal DESC`
    : sql`ORDER BY position, ordinal`;
  if (query.depth === 1) {
    return sql<{ nid: number; position: number; ordinal: number }[]>`
      SELECT event_nid AS nid, position, ordinal FROM events
      WHERE relates_to = ${query.target} AND room_nid = ${query.roomNid}
        AND position IS NOT NULL AND status = 0
        ${ofType} ${ofRelation} ${upTo} ${after} ${order} LIMIT ${query.limit}`;
  }
  return sql<{ nid: number; position: number; ordinal: number }[]>`
    WITH RECURSIVE related AS (
      SELECT event_nid, event_id, position, ordinal, 1 AS level FROM events
      WHERE relates_to = ${query.target} AND room_nid = ${query.roomNid}
        AND position IS NOT NULL AND status = 0 ${ofType} ${ofRelation}
      UNION
      SELECT e.event_nid, e.event_id, e.position, e.ordinal, r.level + 1
      FROM related r JOIN events e ON e.relates_to = r.event_id
      WHERE r.level < ${query.depth} AND e.room_nid = ${query.roomNid}
        AND e.position IS NOT NULL AND e.status = 0 ${ofType} ${ofRelation}
    )
    SELECT DISTINCT event_nid AS nid, position, ordinal
    FROM (SELECT * FROM related LIMIT ${MAX_RELATED}) AS bounded
    WHERE true ${upTo} ${after} ${order} LIMIT ${query.limit}`;
}

/** Events that are looked at where relations of relations are followed. */
const MAX_RELATED = 20_000;

interface Place {
  readonly position: number;
  readonly ordinal: number;
}

/**
 * Threads up to a place, by their newest reply, the newest thread first: their roots and that
 * reply's place.
 */
export async function threadsPage(
  sql: Sql | Tx,
  query: {
    roomNid: number;
    /** Undefined: from the newest. */
    from: Place | undefined;
    /** Replies behind it do not count. */
    until: Place | undefined;
    /** Only threads with a message of this user. */
    participant: string | undefined;
    /** Their replies do not count. */
    ignored: readonly string[];
    limit: number;
  },
): Promise<{ root: string; position: number; ordinal: number }[]> {
  const { from, until, participant, ignored } = query;
  const heard = (alias: "e" | "later") =>
    ignored.length === 0
      ? sql``
      : sql`AND ${sql(alias)}.sender <> ALL (${textArray(ignored)}::text[])`;
  const upTo =
    from === undefined
      ? sql``
      : sql`AND (e.position, e.ordinal) <= (${from.position}, ${from.ordinal})`;
  const within = (alias: "e" | "later") =>
    until === undefined
      ? sql``
      : sql`AND (${sql(alias)}.position, ${sql(alias)}.ordinal) <= (${until.position}, ${until.ordinal})`;
  const participated =
    participant === undefined
      ? sql``
      : sql`AND (EXISTS (SELECT 1 FROM events root
                         WHERE root.event_id = e.relates_to AND root.sender = ${participant})
                 OR EXISTS (SELECT 1 FROM events own
                            WHERE own.relates_to = e.relates_to AND own.rel_type = 'm.thread'
                              AND own.room_nid = e.room_nid AND own.position IS NOT NULL
                              AND own.status = 0 AND own.sender = ${participant}))`;
  return sql<{ root: string; position: number; ordinal: number }[]>`
    SELECT e.relates_to AS root, e.position, e.ordinal FROM events e
    WHERE e.room_nid = ${query.roomNid} AND e.rel_type = 'm.thread'
      AND e.position IS NOT NULL AND e.status = 0 ${upTo} ${within("e")} ${heard("e")}
      AND NOT EXISTS (SELECT 1 FROM events root
                      WHERE root.event_id = e.relates_to AND root.rel_type IS NOT NULL)
      AND NOT EXISTS (
        SELECT 1 FROM events later
        WHERE later.relates_to = e.relates_to AND later.rel_type = 'm.thread'
          AND later.room_nid = e.room_nid AND later.position IS NOT NULL AND later.status = 0
          AND (later.position, later.ordinal) > (e.position, e.ordinal) ${within("later")}
          ${heard("later")})
      ${participated}
    ORDER BY e.position DESC, e.ordinal DESC LIMIT ${query.limit}`;
}
