/** Redactions that take related events along, and which of these are still to be redacted. */
import { numberArray, type Sql, textArray } from "./sql.ts";

/** Which redaction it is of, and what it takes along. */
export interface CascadeRow {
  readonly roomNid: number;
  /** Event id. */
  readonly target: string;
  readonly sender: string;
  /** `*` stands for any. */
  readonly relTypes: readonly string[];
  readonly reason: string | undefined;
  /** Only the sender's own events go along. */
  readonly ownOnly: boolean;
  /** ms since 1970. */
  readonly askedTs: number;
}

/** Redactions of one user whose related events are looked out for: the newest. */
const MAX_OF_SENDER = 1_000;
/** Events that one redaction takes along when it is sent. */
const MAX_EVENTS = 10_000;
/** Events that it takes along when they arrive later, about: who sends more is not helped to. */
const MAX_LATE = 1_000;

/**
 * Notes that a redaction is to come, and forgets what this user asked for before `until`, ms since
 * 1970. Of two for the same event, the later counts. The reason is kept without NUL, which
 * PostgreSQL does not take.
 */
export async function askCascade(sql: Sql, row: CascadeRow, until: number): Promise<void> {
  const { roomNid, target, sender, askedTs } = row;
  const reason = row.reason?.replaceAll("\0", "") ?? null;
  await sql`
    DELETE FROM cascade_redactions c WHERE c.sender = ${sender} AND (c.asked_ts < ${until} OR c.id <= (
        SELECT k.id FROM cascade_redactions k WHERE k.sender = ${sender}
        ORDER BY k.id DESC OFFSET ${MAX_OF_SENDER - 1} LIMIT 1))
      AND NOT EXISTS (SELECT 1 FROM cascade_queue q WHERE q.cascade_id = c.id)`;
  await sql`
    INSERT INTO cascade_redactions (room_nid, target, sender, rel_types, reason, own_only, asked_ts)
    VALUES (${roomNid}, ${target}, ${sender}, ${textArray(row.relTypes)}::text[], ${reason},
      ${row.ownOnly}, ${askedTs})
    ON CONFLICT (room_nid, target, sender) DO UPDATE SET rel_types = excluded.rel_types,
      reason = excluded.reason, own_only = excluded.own_only, asked_ts = excluded.asked_ts, redaction_nid = NULL, late = 0`;
}

/** The redaction was refused. */
export async function withdrawCascade(
  sql: Sql,
  { roomNid, target, sender }: Pick<CascadeRow, "roomNid" | "target" | "sender">,
): Promise<void> {
  await sql`
    DELETE FROM cascade_redactions
    WHERE room_nid = ${roomNid} AND target = ${target} AND sender = ${sender}`;
}

/** A redaction that was sent. */
export interface SentRedaction {
  readonly nid: number;
  readonly roomNid: number;
  readonly target: string;
  readonly sender: string;
}

/** Events that a cascade takes along: an edit counts only where it is one. */
function isTaken(sql: Sql) {
  return sql`e.room_nid = c.room_nid AND e.position IS NOT NULL AND e.status = 0
    AND e.redacted_by IS NULL AND (NOT c.own_only OR e.sender = c.sender) AND (c.rel_types @> ARRAY['*'] OR e.rel_type = ANY (c.rel_types))
    AND (e.rel_type <> 'm.replace' OR EXISTS (
      SELECT 1 FROM events t WHERE t.event_id = c.target AND e.state_key IS NULL
        AND t.sender = e.sender AND t.type = e.type))`;
}

/** The redaction was sent: what relates to its target now is to be redacted. How many events. */
export async function beginCascade(sql: Sql, redaction: SentRedaction): Promise<number> {
  const { nid, roomNid, target, sender } = redaction;
  const { count } = await sql`
    WITH begun AS (
      UPDATE cascade_redactions SET redaction_nid = ${nid}
      WHERE room_nid = ${roomNid} AND target = ${target} AND sender = ${sender}
        AND redaction_nid IS NULL
      RETURNING *)
    INSERT INTO cascade_queue (cascade_id, event_nid, room_nid)
    SELECT c.id, e.event_nid, e.room_nid FROM begun c JOIN events e ON e.relates_to = c.target
    WHERE ${isTaken(sql)}
    ORDER BY e.event_nid LIMIT ${MAX_EVENTS}
    ON CONFLICT DO NOTHING`;
  return count;
}

/** Events that arrived after the redactions that take them along. How many of them. */
export async function takeLateEvents(sql: Sql, nids: readonly number[]): Promise<number> {
  const { count } = await sql`
    WITH taken AS (
      INSERT INTO cascade_queue (cascade_id, event_nid, room_nid)
      SELECT c.id, e.event_nid, e.room_nid
      FROM events e JOIN cascade_redactions c ON c.target = e.relates_to
        AND c.redaction_nid IS NOT NULL AND c.late < ${MAX_LATE}
      WHERE e.event_nid = ANY (${numberArray(nids)}::bigint[]) AND ${isTaken(sql)}
      ORDER BY c.id, e.event_nid
      ON CONFLICT DO NOTHING RETURNING cascade_id),
    counts AS (SELECT cascade_id, count(*) AS count FROM taken GROUP BY cascade_id)
    UPDATE cascade_redactions c SET late = c.late + counts.count
    FROM counts WHERE c.id = counts.cascade_id`;
  return count;
}

/** An event that is to be redacted. */
export interface QueuedRedaction {
  readonly cascadeId: number;
  readonly eventNid: number;
  readonly eventId: string;
  /** Whose event it is. */
  readonly author: string;
  readonly isRedacted: boolean;
  readonly roomNid: number;
  /** In whose name it is redacted. */
  readonly sender: string;
  readonly reason: string | null;
}

/**
 * The next events of the first `cascades` cascades behind one, up to `each` of each; from the first
 * on when none is behind it. Nobody's cascade waits for another one to end.
 */
export async function nextQueued(
  sql: Sql,
  behind: number,
  { cascades, each }: { readonly cascades: number; readonly each: number },
): Promise<QueuedRedaction[]> {
  const read = (after: number) => sql<QueuedRedaction[]>`
    WITH RECURSIVE ids (id, n) AS (
      (SELECT cascade_id, 1 FROM cascade_queue WHERE cascade_id > ${after}
        ORDER BY cascade_id LIMIT 1)
      UNION ALL
      SELECT (SELECT q.cascade_id FROM cascade_queue q WHERE q.cascade_id > ids.id
          ORDER BY q.cascade_id LIMIT 1), ids.n + 1
      FROM ids WHERE ids.id IS NOT NULL AND ids.n < ${cascades})
    SELECT q.cascade_id AS "cascadeId", q.event_nid AS "eventNid", e.event_id AS "eventId",
      e.sender AS author, e.redacted_by IS NOT NULL AS "isRedacted", q.room_nid AS "roomNid",
      c.sender, c.reason
    FROM ids JOIN cascade_redactions c ON c.id = ids.id
    CROSS JOIN LATERAL (
      SELECT * FROM cascade_queue WHERE cascade_id = ids.id ORDER BY event_nid LIMIT ${each}) AS q
    JOIN events e ON e.event_nid = q.event_nid
    ORDER BY q.cascade_id, q.event_nid`;
  const found = await read(behind);
  return found.length > 0 || behind === 0 ? found : read(0);
}

/** One of them is done, or cannot be. */
export async function dropQueued(
  sql: Sql,
  { cascadeId, eventNid }: Pick<QueuedRedaction, "cascadeId" | "eventNid">,
): Promise<void> {
  await sql`
    DELETE FROM cascade_queue WHERE cascade_id = ${cascadeId} AND event_nid = ${eventNid}`;
}

/** The user may not redact what others sent, or (`all`) nothing at all. */
export async function dropForbidden(
  sql: Sql,
  { cascadeId, sender }: Pick<QueuedRedaction, "cascadeId" | "sender">,
  all: boolean,
): Promise<void> {
  const others = sql`AND NOT EXISTS (
    SELECT 1 FROM events e WHERE e.event_nid = q.event_nid AND e.sender = ${sender})`;
  await sql`
    DELETE FROM cascade_queue q WHERE q.cascade_id = ${cascadeId} ${all ? sql`` : others}`;
}

/** Deletes what is queued of cascades or events that are gone. How many there were. */
export async function dropOrphans(sql: Sql): Promise<number> {
  const { count } = await sql`
    DELETE FROM cascade_queue q
    WHERE NOT EXISTS (SELECT 1 FROM cascade_redactions c WHERE c.id = q.cascade_id)
      OR NOT EXISTS (SELECT 1 FROM events e WHERE e.event_nid = q.event_nid)`;
  return count;
}
