/** Work in the background, as administrators look at it. */
import type { Sql } from "../sql.ts";
import { OF_BEFORE } from "../streams/cursors.ts";

export async function isHalted(sql: Sql): Promise<boolean> {
  return (await sql`SELECT FROM background_halt`).length > 0;
}

/** `now` is ms since 1970. */
export async function halt(sql: Sql, by: string, now: number): Promise<void> {
  await sql`
    INSERT INTO background_halt (halted_by, halted_ts) VALUES (${by}, ${now}) ON CONFLICT DO NOTHING`;
}

export async function endHalt(sql: Sql): Promise<void> {
  await sql`DELETE FROM background_halt`;
}

/** A purge that has not ended or did lately. Times are ms since 1970; `report` is a JSON text. */
export interface ListedPurge {
  readonly id: string;
  readonly kind: "history" | "room";
  readonly roomId: string;
  readonly status: "shutting_down" | "purging" | "complete" | "failed";
  readonly report: string;
  readonly reason: string | null;
  readonly createdTs: number;
  readonly endedTs: number | null;
}

/** The newest first, `max` at most. */
export async function listPurges(sql: Sql, max: number): Promise<ListedPurge[]> {
  return sql<ListedPurge[]>`
    SELECT purge_id AS id, kind, room_id AS "roomId", status, report, reason,
      created_ts AS "createdTs", ended_ts AS "endedTs"
    FROM purges ORDER BY created_ts DESC, purge_id LIMIT ${max}`;
}

/** A redaction of all that a user has sent. Times are ms since 1970. */
export interface ListedRedaction {
  readonly id: string;
  readonly userId: string;
  readonly status: "scheduled" | "active" | "complete" | "failed";
  readonly roomsDone: number;
  /** JSON object text with `rooms`. */
  readonly request: string;
  /** What could not be redacted, by event id: JSON object text. */
  readonly failed: string;
  readonly reason: string | null;
  readonly createdTs: number;
  readonly endedTs: number | null;
}

/** The newest first, `max` at most, with up to 100 events each that could not be redacted. */
export async function listRedactions(sql: Sql, max: number): Promise<ListedRedaction[]> {
  return sql<ListedRedaction[]>`
    SELECT redaction_id AS id, user_id AS "userId", status, rooms_done AS "roomsDone", request,
      coalesce((SELECT json_object_agg(event_id, error) FROM (
        SELECT event_id, error FROM failed_user_redactions f
        WHERE f.redaction_id = r.redaction_id ORDER BY event_id LIMIT 100) some_of_them),
        '{}')::text AS failed,
      reason, created_ts AS "createdTs", ended_ts AS "endedTs"
    FROM user_redactions r ORDER BY created_ts DESC, redaction_id LIMIT ${max}`;
}

/** How far the index of older messages is: event nids. */
export async function messagesIndexed(
  sql: Sql,
): Promise<{ readonly done: number; readonly total: number }> {
  const [row] = await sql<{ done: number; total: number }[]>`
    SELECT coalesce((SELECT position FROM cursors WHERE name = ${OF_BEFORE.messages}), 0) AS done,
      coalesce((SELECT max(event_nid) FROM events), 0) AS total`;
  return row!;
}

export async function arePeopleIndexed(sql: Sql): Promise<boolean> {
  return (await sql`SELECT FROM cursors WHERE name = ${OF_BEFORE.people}`).length > 0;
}

/** Has the index of people written anew. False: that is under way already. */
export async function indexPeopleAnew(sql: Sql): Promise<boolean> {
  const { count } = await sql`DELETE FROM cursors WHERE name = ${OF_BEFORE.people}`;
  return count > 0;
}

interface RoomToComplete {
  readonly roomId: string;
  readonly isFetched: boolean;
}

/** Rooms that were joined quickly and whose state is still to be completed; `max` at most. */
export async function roomsToComplete(sql: Sql, max: number): Promise<RoomToComplete[]> {
  return sql<RoomToComplete[]>`
    SELECT r.room_id AS "roomId", p.fetched AS "isFetched"
    FROM partial_rooms p JOIN rooms r USING (room_nid) WHERE NOT p.complete
    ORDER BY r.room_id LIMIT ${max}`;
}

/** What follows the log, and how far each is. */
export async function listFollowers(sql: Sql): Promise<{ name: string; position: number }[]> {
  return sql<{ name: string; position: number }[]>`
    SELECT name, position FROM cursors WHERE name <> ALL (${Object.values(OF_BEFORE)}) ORDER BY name`;
}
