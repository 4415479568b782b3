import { textArray } from "./sql.ts";
import type { Sql, Tx } from "./sql.ts";

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

/** Nids of events that relate to these, with what they are: for bundled aggregations. */
export async function relationsTo(
  sql: Sql | Tx,
  roomNid: number,
  targets: readonly string[],
  relTypes: readonly string[],
): Promise<{ nid: number; target: string; relType: string; type: string; sender: string }[]> {
  return sql<{ nid: number; target: string; relType: string; type: string; sender: string }[]>`
    SELECT event_nid AS nid, relates_to AS target, rel_type AS "relType", type, sender
    FROM events
    WHERE relates_to = ANY (${textArray(targets)}::text[])
      AND rel_type = ANY (${textArray(relTypes)}::text[])
      AND room_nid = ${roomNid} AND position IS NOT NULL AND status = 0 AND redacted_by IS NULL
    ORDER BY position, ordinal`;
}

/** One page of the events that relate to an event, beyond a place in the timeline. */
export async function relationsPage(
  sql: Sql | Tx,
  query: {
    roomNid: number;
    target: string;
    relType: string | undefined;
    type: string | undefined;
    direction: "b" | "f";
    /** Exclusive in the direction read; undefined: from the end. */
    from: { position: number; ordinal: number } | undefined;
    to: { position: number; ordinal: number } | undefined;
    limit: number;
  },
): Promise<{ nid: number; position: number; ordinal: number }[]> {
  const backwards = query.direction === "b";
  const ofType = query.type === undefined ? sql`` : sql`AND type = ${query.type}`;
  const ofRelation = query.relType === undefined ? sql`` : sql`AND rel_type = ${query.relType}`;
  const from =
    query.from === undefined
      ? sql``
      : backwards
        ? sql`AND (position, ordinal) <= (${query.from.position}, ${query.from.ordinal})`
        : sql`AND (position, ordinal) > (${query.from.position}, ${query.from.ordinal})`;
  const to =
    query.to === undefined
      ? sql``
      : backwards
        ? sql`AND (position, ordinal) > (${query.to.position}, ${query.to.ordinal})`
        : sql`AND (position, ordinal) <= (${query.to.position}, ${query.to.ordinal})`;
  const order = backwards
    ? sql`ORDER BY position DESC, ordinal DESC`
    : sql`ORDER BY position, ordinal`;
  return sql<{ nid: number; position: number; ordinal: number }[]>`
    SELECT event_nid AS nid, position, ordinal FROM events
    WHERE relates_to = ${query.target} AND room_nid = ${query.roomNid}
      AND position IS NOT NULL AND status = 0
      ${ofType} ${ofRelation} ${from} ${to} ${order} LIMIT ${query.limit}`;
}
