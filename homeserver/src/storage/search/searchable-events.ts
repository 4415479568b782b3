/** The index of messages: what is written to it. */
import { numberArray, textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";
import { wordList } from "./words.ts";

/** Types of events that have words. */
export const SEARCHABLE = ["m.room.message", "m.room.name", "m.room.topic"] as const;

/** An event of the timeline that may be found, with its newest edit. */
export interface SearchableFacts {
  readonly nid: number;
  readonly roomNid: number;
  readonly sender: string;
  readonly type: string;
  readonly ts: number;
  readonly json: string;
  readonly editNid: number | null;
  readonly editJson: string | null;
}

/** Facts of those of the events that can be found: not edits, redacted events, or refused ones. */
export async function searchableFacts(
  sql: Sql | Tx,
  nids: readonly number[],
): Promise<SearchableFacts[]> {
  return sql<SearchableFacts[]>`
    SELECT t.event_nid AS nid, t.room_nid AS "roomNid", t.sender, t.type,
      t.origin_server_ts AS ts, t.json, x.event_nid AS "editNid", x.json AS "editJson"
    FROM events t
    LEFT JOIN LATERAL (
      SELECT e.event_nid, e.json FROM events e
      WHERE e.relates_to = t.event_id AND e.rel_type = 'm.replace' AND e.room_nid = t.room_nid
        AND e.sender = t.sender AND e.type = t.type AND e.state_key IS NULL
        AND e.status = 0 AND e.position IS NOT NULL AND e.redacted_by IS NULL
      ORDER BY e.origin_server_ts DESC, e.event_id DESC LIMIT 1) x ON t.state_key IS NULL
    WHERE t.event_nid = ANY (${numberArray(nids)}::bigint[])
      AND t.type = ANY (${textArray(SEARCHABLE)}::text[])
      AND (t.state_key IS NULL) = (t.type = 'm.room.message')
      AND t.status = 0 AND t.position IS NOT NULL AND t.redacted_by IS NULL
      AND t.rel_type IS DISTINCT FROM 'm.replace'`;
}

/** Events that show what these say: themselves, and those that they edit, or did when written. */
export async function shownInsteadOf(
  sql: Sql | Tx,
  nids: readonly number[],
  redactedIds: readonly string[],
): Promise<number[]> {
  const rows = await sql<{ nid: number }[]>`
    WITH changed AS (
      SELECT event_nid, room_nid, relates_to, rel_type FROM events
      WHERE event_nid = ANY (${numberArray(nids)}::bigint[])
        OR event_id = ANY (${textArray(redactedIds)}::text[]))
    SELECT event_nid AS nid FROM changed
    UNION SELECT t.event_nid FROM changed c JOIN events t ON t.event_id = c.relates_to
      WHERE c.rel_type = 'm.replace' AND t.room_nid = c.room_nid
    UNION SELECT s.event_nid FROM changed c JOIN searchable_events s ON s.source_nid = c.event_nid
      WHERE s.source_nid <> s.event_nid`;
  return rows.map((row) => row.nid);
}

export interface SearchableRow {
  readonly nid: number;
  readonly sourceNid: number;
  readonly roomNid: number;
  readonly sender: string;
  readonly key: number;
  readonly ts: number;
  readonly words: readonly string[];
}

/** Writes events as they are to be found now; those of `nids` that have no row are found no more. */
export async function writeSearchable(
  tx: Tx,
  nids: readonly number[],
  rows: readonly SearchableRow[],
): Promise<void> {
  const sorted = rows.toSorted((a, b) => a.nid - b.nid);
  const numbers = (key: "nid" | "sourceNid" | "roomNid" | "key" | "ts") =>
    numberArray(sorted.map((row) => row[key]));
  await tx`
    DELETE FROM searchable_events WHERE event_nid = ANY (${numberArray(nids)}::bigint[])
      AND event_nid <> ALL (${numbers("nid")}::bigint[])`;
  await tx`
    INSERT INTO searchable_events AS s (event_nid, source_nid, room_nid, sender, key, ts, words)
    SELECT t.nid, t.source_nid, t.room_nid, t.sender, t.key, t.ts,
      array_to_tsvector(string_to_array(t.words, E'\n') || ('#' || t.room_nid))
    FROM unnest(${numbers("nid")}::bigint[], ${numbers("sourceNid")}::bigint[],
      ${numbers("roomNid")}::bigint[], ${textArray(sorted.map((row) => row.sender))}::text[],
      ${numbers("key")}::int[], ${numbers("ts")}::bigint[],
      ${textArray(sorted.map((row) => wordList(row.words)))}::text[])
      AS t (nid, source_nid, room_nid, sender, key, ts, words)
    ON CONFLICT (event_nid) DO UPDATE SET source_nid = excluded.source_nid, words = excluded.words
    WHERE s.source_nid <> excluded.source_nid OR s.words <> excluded.words`;
}

/** The next events by nid, of all rooms or of one, that may have words; edits included. */
export async function nextSearchable(
  sql: Sql | Tx,
  after: number,
  limit: number,
  roomNid?: number,
): Promise<number[]> {
  const ofRoom = roomNid === undefined ? sql`` : sql`AND room_nid = ${roomNid}`;
  const rows = await sql<{ nid: number }[]>`
    SELECT event_nid AS nid FROM events
    WHERE event_nid > ${after} AND position IS NOT NULL AND status = 0 ${ofRoom}
      AND type = ANY (${textArray(SEARCHABLE)}::text[])
    ORDER BY event_nid LIMIT ${limit}`;
  return rows.map((row) => row.nid);
}

/** Takes events out that are in the timeline no more; returns how many were looked at. */
export async function pruneSearchable(
  tx: Tx,
  roomNid: number,
  after: number,
  limit: number,
): Promise<number | undefined> {
  const rows = await tx<{ nid: number; gone: boolean }[]>`
    SELECT s.event_nid AS nid,
      NOT EXISTS (SELECT 1 FROM events e WHERE e.event_nid = s.event_nid AND e.status = 0
        AND e.position IS NOT NULL AND e.redacted_by IS NULL) AS gone
    FROM searchable_events s WHERE s.room_nid = ${roomNid} AND s.event_nid > ${after}
    ORDER BY s.event_nid LIMIT ${limit}`;
  const gone = rows.filter((row) => row.gone).map((row) => row.nid);
  if (gone.length > 0) {
    await tx`DELETE FROM searchable_events WHERE event_nid = ANY (${numberArray(gone)}::bigint[])`;
  }
  return rows.length < limit ? undefined : rows.at(-1)!.nid;
}
