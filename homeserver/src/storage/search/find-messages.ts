/** The index of messages: what is found in it. Who may see what was found is not asked here. */
import { numberArray, textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";

/** An event with the words of a search. */
export interface FoundRow {
  readonly nid: number;
  readonly sourceNid: number;
  readonly roomNid: number;
  readonly sender: string;
  readonly key: number;
  readonly ts: number;
  readonly rank: number;
}

/** What is looked for. Conditions on words are in the syntax of tsquery. */
export interface MessageCondition {
  /** All of this has to be there. */
  readonly words: string;
  /** Whole words, each of which makes an event rank higher. */
  readonly whole: string;
  readonly roomNids: readonly number[];
  readonly keys: readonly number[];
  readonly senders: readonly string[] | undefined;
  readonly notSenders: readonly string[];
}

/** A place among events from the newest to the oldest. */
export interface MessagePlace {
  readonly ts: number;
  readonly nid: number;
}

/** In so few rooms the index itself looks for the room. */
const FEW_ROOMS = 16;

function condition(sql: Sql | Tx, wanted: MessageCondition, before: MessagePlace | undefined) {
  const { roomNids, keys, senders, notSenders } = wanted;
  const place =
    before === undefined ? sql`` : sql`AND (s.ts, s.event_nid) < (${before.ts}, ${before.nid})`;
  const from =
    senders === undefined ? sql`` : sql`AND s.sender = ANY (${textArray(senders)}::text[])`;
  const notFrom =
    notSenders.length === 0 ? sql`` : sql`AND s.sender <> ALL (${textArray(notSenders)}::text[])`;
  return sql`s.room_nid = ANY (${numberArray(roomNids)}::bigint[])
    AND s.key = ANY (${numberArray(keys)}::int[]) ${place} ${from} ${notFrom}`;
}

/** The words, and in few rooms the rooms. */
function indexed({ words, roomNids }: MessageCondition): string {
  if (roomNids.length > FEW_ROOMS) return words;
  return `${words} & (${roomNids.map((nid) => `'#${nid}'`).join(" | ")})`;
}

function columns(sql: Sql | Tx) {
  return sql`s.event_nid AS nid, s.source_nid AS "sourceNid", s.room_nid AS "roomNid", s.sender,
    s.key, s.ts`;
}

/**
 * The newest of the events that fit, newest first; `total` is how many fit. Where over `max` do,
 * `rows` are any of them: look through the newest events instead.
 */
export async function newestFound(
  sql: Sql | Tx,
  wanted: MessageCondition,
  {
    before,
    limit,
    max,
  }: { readonly before?: MessagePlace | undefined; limit: number; max: number },
): Promise<{ rows: FoundRow[]; total: number }> {
  const rows = await sql<(FoundRow & { total: number })[]>`
    WITH found AS MATERIALIZED (
      SELECT ${columns(sql)} FROM searchable_events s
      WHERE s.words @@ ${indexed(wanted)}::tsquery AND ${condition(sql, wanted, before)}
      LIMIT ${max + 1})
    SELECT *, 1 AS rank, (SELECT count(*) FROM found) AS total FROM found
    ORDER BY ts DESC, nid DESC LIMIT ${limit}`;
  return { rows, total: rows[0]?.total ?? 0 };
}

/** Those that fit among the newest `depth` events of the rooms, newest first, at most `limit`. */
export async function foundAmongNewest(
  sql: Sql | Tx,
  wanted: MessageCondition,
  {
    before,
    limit,
    depth,
  }: { readonly before?: MessagePlace | undefined; limit: number; depth: number },
): Promise<FoundRow[]> {
  return sql<FoundRow[]>`
    SELECT ${columns(sql)}, 1 AS rank FROM (
      SELECT * FROM searchable_events s WHERE ${condition(sql, wanted, before)}
      ORDER BY s.ts DESC, s.event_nid DESC LIMIT ${depth}) s
    WHERE s.words @@ ${wanted.words}::tsquery
    ORDER BY s.ts DESC, s.event_nid DESC LIMIT ${limit}`;
}

/**
 * The events that fit, up to the event with the nid `upTo`, those that rank highest first; the ones
 * behind `after`. (By its rank and not by a number of rows: some may be gone since.)
 */
export async function bestFound(
  sql: Sql | Tx,
  wanted: MessageCondition,
  page: {
    readonly after: (MessagePlace & { readonly rank: number }) | undefined;
    readonly limit: number;
    readonly max: number;
    readonly upTo: number;
  },
): Promise<FoundRow[]> {
  const { after } = page;
  const isBehind =
    after === undefined
      ? sql`true`
      : sql`(rank, ts, nid) < (${after.rank}::double precision, ${after.ts}::bigint, ${after.nid}::bigint)`;
  return sql<FoundRow[]>`
    WITH found AS MATERIALIZED (
      SELECT ${columns(sql)}, s.words FROM searchable_events s
      WHERE s.words @@ ${indexed(wanted)}::tsquery AND ${condition(sql, wanted, undefined)}
        AND s.event_nid <= ${page.upTo}
      LIMIT ${page.max}),
    ranked AS (
      SELECT nid, "sourceNid", "roomNid", sender, key, ts,
        (ts_rank(words, ${wanted.whole}::tsquery, 1) + ts_rank(words, ${wanted.words}::tsquery, 1))
          ::double precision AS rank
      FROM found)
    SELECT * FROM ranked WHERE ${isBehind}
    ORDER BY rank DESC, ts DESC, nid DESC LIMIT ${page.limit}`;
}

/** How many of the first `max` events that fit are in which room. */
export async function countByRoom(
  sql: Sql | Tx,
  wanted: MessageCondition,
  max: number,
): Promise<{ roomNid: number; n: number }[]> {
  return sql<{ roomNid: number; n: number }[]>`
    SELECT room_nid AS "roomNid", count(*) AS n FROM (
      SELECT s.room_nid FROM searchable_events s
      WHERE s.words @@ ${indexed(wanted)}::tsquery AND ${condition(sql, wanted, undefined)}
      LIMIT ${max}) f
    GROUP BY room_nid`;
}

/** The greatest nid in the index. */
export async function lastSearchable(sql: Sql | Tx): Promise<number> {
  const [row] = await sql<{ nid: number | null }[]>`
    SELECT max(event_nid) AS nid FROM searchable_events`;
  return row?.nid ?? 0;
}
