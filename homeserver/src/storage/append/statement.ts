import type { Column, ColumnType, Value } from "../streams/columns.ts";
import { STREAMS, streamOf } from "../streams/index.ts";
import type { PlacedAppend } from "./row-kind.ts";
import type { RowKind } from "./row-kind.ts";
import { placeAppend, ROW_KINDS } from "./row-kinds.ts";
import { fenceOf, dependencyChecks } from "./dependencies.ts";
import type { Append } from "./types.ts";
import { JSON_NULL, JSON_SEPARATOR } from "../streams/text.ts";
import { byteaArray, numberArray, textArray } from "../sql.ts";

/** A group as one statement. */
export interface AppendStatement {
  text: string;
  parameters: (string | number)[];
  placed: readonly PlacedAppend[];
  /** How many positions the group takes. */
  positions: number;
}

/**
 * Writes a group as one statement: one round trip, one commit. Everything in it that writes waits
 * for the row of log_head, so that groups of all writers come one after another. The statement's
 * snapshot may be older than that lock. The comparison of heads looks at the newest rows
 * nevertheless (as UPDATE and ON CONFLICT do), and a duplicate that the snapshot does not show
 * violates a unique index, which undoes the whole group; it is then tried again with a new
 * snapshot.
 */
export function buildStatement(appends: readonly Append[]): AppendStatement {
  const placed: PlacedAppend[] = [];
  let positions = 0;
  for (const append of appends) {
    const { offsets, next } = placeAppend(append, positions + 1);
    placed.push({ append, offsets });
    positions = next - 1;
  }
  const parameters: (string | number)[] = [positions];
  const ctes = [
    `log AS MATERIALIZED (
      UPDATE log_head SET position = position + $1 RETURNING position - $1 AS base, epoch)`,
    ...checks(appends, parameters),
    ...heads(placed, parameters),
    verdict(appends, parameters),
    ...ROW_KINDS.flatMap((kind) => writes(kind, rowsOf(kind, placed), parameters)),
    ...streamWrites(placed, parameters),
  ];
  const text = `WITH ${ctes.join(",\n")}
    SELECT v.base, v.granted, ${returnedRows(placed)} AS returned,
      (SELECT json_agg(d) FROM dup_events d) AS duplicate_events,
      (SELECT json_agg(d) FROM dup_txns d) AS duplicate_transactions,
      (SELECT json_agg(a) FROM absent a) AS absent
    FROM verdict v`;
  return { text, parameters, placed, positions };
}

/** The list of rows as a table of a FROM clause, its columns as parameters; `i` counts the rows. */
function table(
  alias: string,
  columns: readonly (readonly [string, ColumnType])[],
  rows: readonly (readonly Value[])[],
  parameters: (string | number)[],
): string {
  const arrays = columns.map(([, type], column) => {
    parameters.push(literal(type, rows, column));
    const parameter = `$${parameters.length}`;
    return type === "jsonText" ? splitJson(parameter) : `${parameter}::${type}[]`;
  });
  const names = columns.map(([name]) => name);
  return `unnest(${arrays.join(", ")}) WITH ORDINALITY AS ${alias} (${names.join(", ")}, i)`;
}

function literal(type: ColumnType, rows: readonly (readonly Value[])[], column: number): string {
  const values = rows.map((row) => row[column] ?? null);
  if (type === "text") return textArray(values as (string | null)[]);
  if (type === "jsonText") return values.map((value) => value ?? JSON_NULL).join(JSON_SEPARATOR);
  if (type === "bytea") return byteaArray(values as (Buffer | null)[]);
  return numberArray(values as (number | null)[]);
}

/**
 * JSON texts are most of what is written. Within an array's literal each quotation mark would have
 * to be escaped, and read again one by one.
 */
function splitJson(parameter: string): string {
  const [separator, none] = [JSON_SEPARATOR, JSON_NULL].map(
    (character) => `E'\\x${character.charCodeAt(0).toString(16)}'`,
  );
  return `string_to_array(${parameter}::text, ${separator}, ${none})`;
}

/**
 * What is stored already, in the statement's snapshot. Subqueries with OFFSET 0 make the planner
 * use the index.
 */
function checks(appends: readonly Append[], parameters: (string | number)[]): string[] {
  const events = appends.flatMap((append, index) =>
    (append.events ?? [])
      .filter((event) => event.stored !== true)
      .map((event) => [index + 1, event.event.eventId, event.nid] as const),
  );
  const transactions = appends.flatMap(({ transaction: t }, index) =>
    t === undefined ? [] : [[index + 1, t.userId, t.deviceId, t.scope, t.txnId] as const],
  );
  const eventTable = () =>
    table(
      "t",
      [
        ["n", "int"],
        ["id", "text"],
        ["wanted", "bigint"],
      ],
      events,
      parameters,
    );
  const txnColumns = ["user_id", "device_id", "scope", "txn_id"] as const;
  const txnTable = () =>
    table(
      "t",
      [["n", "int"], ...txnColumns.map((name) => [name, "text"] as const)],
      transactions,
      parameters,
    );
  return [
    events.length === 0
      ? `dup_events AS (SELECT 0 AS n WHERE false)`
      : `dup_events AS MATERIALIZED (
          SELECT t.n, t.wanted, e.event_id, e.event_nid, e.position FROM ${eventTable()}, LATERAL (
            SELECT event_id, event_nid, position FROM events WHERE event_id = t.id OFFSET 0) AS e)`,
    transactions.length === 0
      ? `dup_txns AS (SELECT 0 AS n WHERE false)`
      : `dup_txns AS MATERIALIZED (
          SELECT t.n, c.event_id FROM ${txnTable()}, LATERAL (
            SELECT event_id FROM client_transactions c
            WHERE ${txnColumns.map((name) => `c.${name} = t.${name}`).join(" AND ")} OFFSET 0) AS c)`,
    ...dependencyChecks(appends, (columns, rows) => table("t", columns, rows, parameters)),
  ];
}

/** Moves each room's head with the last of its commands that has no duplicate before or in it. */
function heads(placed: readonly PlacedAppend[], parameters: (string | number)[]): string[] {
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  const rows = placed.flatMap(({ append: { head, events }, offsets }, index) => {
    if (head === undefined) return [];
    if (!first.has(head.roomNid)) first.set(head.roomNid, head.expectedVersion);
    const shift = offsets.events.findLast((offset) => offset !== null);
    if (events !== undefined && shift !== undefined && shift !== null)
      last.set(head.roomNid, shift);
    return [
      [
        ...[index + 1, head.roomNid, first.get(head.roomNid) ?? 0, head.version],
        ...[numberArray(head.extremities), head.stateRoot, head.depth],
        last.get(head.roomNid) ?? null,
      ],
    ];
  });
  if (rows.length === 0) {
    return [`moved AS (SELECT 0::bigint AS room_nid WHERE false)`, `bad AS (SELECT n FROM dups)`];
  }
  const columns = [
    ["n", "int"],
    ...["room_nid", "expected", "version"].map((name) => [name, "bigint"] as const),
    ["extremities", "text"],
    ["state_root", "bytea"],
    ["depth", "bigint"],
    ["shift", "int"],
  ] as (readonly [string, ColumnType])[];
  return [
    `heads AS MATERIALIZED (SELECT * FROM ${table("h", columns, rows, parameters)})`,
    `bad AS MATERIALIZED (
      SELECT n FROM dups UNION
      SELECT later.n FROM dups JOIN heads h USING (n)
        JOIN heads later ON later.room_nid = h.room_nid AND later.n > h.n)`,
    `goal AS MATERIALIZED (
      SELECT DISTINCT ON (h.room_nid) h.* FROM heads h WHERE h.n NOT IN (SELECT n FROM bad)
      ORDER BY h.room_nid, h.n DESC)`,
    `moved AS (
      UPDATE room_heads r SET version = g.version, extremities = g.extremities::bigint[],
        state_root = g.state_root, depth = g.depth,
        position = coalesce(log.base + g.shift, r.position)
      FROM goal g, log WHERE r.room_nid = g.room_nid AND r.version = g.expected
      RETURNING r.room_nid)`,
    `made AS (
      INSERT INTO room_heads (room_nid, version, extremities, state_root, depth, position)
      SELECT g.room_nid, g.version, g.extremities::bigint[], g.state_root, g.depth,
        log.base + coalesce(g.shift, 0)
      FROM goal g, log WHERE g.expected = 0
      ON CONFLICT (room_nid) DO NOTHING RETURNING room_nid)`,
  ];
}

/** Which appends are committed: those without a problem whose room, if any, could be moved. */
function verdict(appends: readonly Append[], parameters: (string | number)[]): string {
  const rooms = appends.map((append) => fenceOf(append, appends));
  parameters.push(numberArray(rooms));
  const made = rooms.some((room) => room !== null) ? "UNION ALL SELECT room_nid FROM made" : "";
  return `verdict AS MATERIALIZED (
    SELECT log.base, log.epoch, ARRAY(
      SELECT a.n NOT IN (SELECT n FROM bad)
        AND (a.room_nid IS NULL OR a.room_nid IN (SELECT room_nid FROM moved ${made}))
      FROM unnest($${parameters.length}::bigint[]) WITH ORDINALITY AS a (room_nid, n) ORDER BY a.n
    ) AS granted FROM log)`;
}

function rowsOf(kind: RowKind, placed: readonly PlacedAppend[]): Value[][] {
  return placed.flatMap((one, index) => kind.rows(one).map((row) => [index + 1, ...row]));
}

/** A stream's rows, each with its position relative to the base. */
function streamWrites(placed: readonly PlacedAppend[], parameters: (string | number)[]): string[] {
  const rowsByKind = new Map<string, Value[][]>();
  for (const [index, { append, offsets }] of placed.entries()) {
    for (const [at, record] of (append.records ?? []).entries()) {
      const row = [index + 1, ...streamOf(record.kind)!.values(record), offsets.records[at] ?? 0];
      const rows = rowsByKind.get(record.kind);
      if (rows) rows.push(row);
      else rowsByKind.set(record.kind, [row]);
    }
  }
  if (rowsByKind.size === 0) return [];
  return STREAMS.flatMap((stream) => {
    const columns = [...stream.columns, ["shift", "int"] as const];
    const kind = { name: stream.kind, columns, statements: stream.statements };
    return writes(kind, rowsByKind.get(stream.kind) ?? [], parameters);
  });
}

/** The rows that statements of streams return, as a JSON array or null. */
function returnedRows(placed: readonly PlacedAppend[]): string {
  const kinds = new Set(
    placed.flatMap(({ append }) => append.records ?? []).map(({ kind }) => kind),
  );
  const selects = STREAMS.filter(({ kind, returns }) => returns === true && kinds.has(kind)).map(
    ({ kind }) => `SELECT to_json(r) AS row FROM ${kind}_0 r`,
  );
  return selects.length === 0
    ? "NULL"
    : `(SELECT json_agg(row) FROM (${selects.join(" UNION ALL ")}) AS r)`;
}

function writes(
  kind: Pick<RowKind, "name" | "statements"> & { readonly columns: readonly Column[] },
  rows: readonly (readonly Value[])[],
  parameters: (string | number)[],
): string[] {
  if (rows.length === 0) return [];
  const source = table("t", [["n", "int"], ...kind.columns], rows, parameters);
  return kind
    .statements(`FROM ${source}, verdict v WHERE v.granted[t.n]`)
    .map((body, index) => `${kind.name}_${index} AS (${body})`);
}
