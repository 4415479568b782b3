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

/** The words, and in few rooms the rooms. */
function indexed({ words, roomNids }: MessageCondition): string {
  if (roomNids.length > FEW_ROOMS) return words;
  return `${words} & (${roomNids.map((nid) => `'#${nid}'`).join(" | ")})`;
}

const COLUMNS = `s.event_nid AS nid, s.source_nid AS "sourceNid", s.room_nid AS "roomNid",
  s.sender, s.key, s.ts`;

/** A statement that is put together, with its values. */
function createStatement() {
  const values: (string | number)[] = [];
  const value = (each: string | number, type: string) => `$${values.push(each)}::${type}`;
  return {
    value,
    /** What the event is, apart from its words. */
    conditions({ roomNids, keys, senders, notSenders }: MessageCondition, before?: MessagePlace) {
      const all = [
        `s.room_nid = ANY (${value(numberArray(roomNids), "bigint[]")})`,
        `s.key = ANY (${value(numberArray(keys), "int[]")})`,
      ];
      if (before) {
        const { ts, nid } = before;
        all.push(`(s.ts, s.event_nid) < (${value(ts, "bigint")}, ${value(nid, "bigint")})`);
      }
      if (senders) all.push(`s.sender = ANY (${value(textArray(senders), "text[]")})`);
      if (notSenders.length > 0) {
        all.push(`s.sender <> ALL (${value(textArray(notSenders), "text[]")})`);
      }
      return all.join(" AND ");
    },
    /**
     * Not prepared: for how many rooms and which words there are, PostgreSQL has to choose indexes
     * anew. A plan for any of them collects all events of the rooms as well.
     */
    run: <Row extends object>(sql: Sql | Tx, text: string) =>
      sql.unsafe<Row[]>(text, values, { prepare: false }),
  };
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
  const { value, conditions, run } = createStatement();
  const rows = await run<FoundRow & { total: number }>(
    sql,
    `WITH found AS MATERIALIZED (
      SELECT ${COLUMNS} FROM searchable_events s
      WHERE s.words @@ ${value(indexed(wanted), "tsquery")} AND ${conditions(wanted, before)}
      LIMIT ${value(max + 1, "bigint")})
    SELECT *, 1 AS rank, (SELECT count(*) FROM found) AS total FROM found
    ORDER BY ts DESC, nid DESC LIMIT ${value(limit, "bigint")}`,
  );
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
  const { value, conditions, run } = createStatement();
  return run<FoundRow>(
    sql,
    `SELECT ${COLUMNS}, 1 AS rank FROM (
      SELECT * FROM searchable_events s WHERE ${conditions(wanted, before)}
      ORDER BY s.ts DESC, s.event_nid DESC LIMIT ${value(depth, "bigint")}) s
    WHERE s.words @@ ${value(wanted.words, "tsquery")}
    ORDER BY s.ts DESC, s.event_nid DESC LIMIT ${value(limit, "bigint")}`,
  );
}

/**
 * Of the first `max` events that fit, up to the event with the nid `upTo`: those that rank highest,
 * highest first, behind `after`; and how many of the `max` are in which room. (Behind by rank and
 * not by a number of rows: some may be gone since.)
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
): Promise<{ rows: FoundRow[]; counts: RoomCount[] }> {
  const { after } = page;
  const { value, conditions, run } = createStatement();
  const whole = value(wanted.whole, "tsquery");
  const words = value(wanted.words, "tsquery");
  const isBehind =
    after === undefined
      ? "true"
      : `(rank, ts, nid) < (${value(after.rank, "double precision")}, ${value(after.ts, "bigint")},
          ${value(after.nid, "bigint")})`;
  const [found] = await run<{ rows: FoundRow[]; counts: RoomCount[] }>(
    sql,
    `WITH found AS MATERIALIZED (
      SELECT ${COLUMNS}, s.words FROM searchable_events s
      WHERE s.words @@ ${value(indexed(wanted), "tsquery")} AND ${conditions(wanted)}
        AND s.event_nid <= ${value(page.upTo, "bigint")}
      LIMIT ${value(page.max, "bigint")}),
    ranked AS (
      SELECT nid, "sourceNid", "roomNid", sender, key, ts,
        (ts_rank(words, ${whole}, 1) + ts_rank(words, ${words}, 1))::double precision AS rank
      FROM found),
    best AS (
      SELECT * FROM ranked WHERE ${isBehind}
      ORDER BY rank DESC, ts DESC, nid DESC LIMIT ${value(page.limit, "bigint")}),
    counts AS (SELECT "roomNid", count(*) AS n FROM found GROUP BY "roomNid")
    SELECT (SELECT coalesce(json_agg(b ORDER BY rank DESC, ts DESC, nid DESC), '[]') FROM best b) AS rows,
      (SELECT coalesce(json_agg(c), '[]') FROM counts c) AS counts`,
  );
  return found!;
}

/** How many events that fit are in a room. */
export interface RoomCount {
  readonly roomNid: number;
  readonly n: number;
}

/** How many of the first `max` events that fit are in which room. */
export async function countByRoom(
  sql: Sql | Tx,
  wanted: MessageCondition,
  max: number,
): Promise<RoomCount[]> {
  const { value, conditions, run } = createStatement();
  return run<RoomCount>(
    sql,
    `SELECT room_nid AS "roomNid", count(*) AS n FROM (
      SELECT s.room_nid FROM searchable_events s
      WHERE s.words @@ ${value(indexed(wanted), "tsquery")} AND ${conditions(wanted)}
      LIMIT ${value(max, "bigint")}) f
    GROUP BY room_nid`,
  );
}

/** The greatest nid in the index. */
export async function lastSearchable(sql: Sql | Tx): Promise<number> {
  const [row] = await sql<{ nid: number | null }[]>`
    SELECT max(event_nid) AS nid FROM searchable_events`;
  return row?.nid ?? 0;
}
