import { byteaArray, numberArray, textArray } from "../sql.ts";
import type { Sql, Tx } from "../sql.ts";
import { roomColumns } from "./versions.ts";
import type { RoomRow } from "./versions.ts";

export interface HeadRow {
  version: number;
  extremities: number[];
  stateRoot: Buffer | null;
  depth: number;
  position: number;
  /** An administrator has archived the room. */
  archived: boolean;
  /** The room has partial state. */
  partial: boolean;
  /** Log position at which that began or ended; 0: never. */
  partialAt: number;
}

export async function roomByRoomId(sql: Sql | Tx, roomId: string): Promise<RoomRow | undefined> {
  const [row] = await sql<RoomRow[]>`
    SELECT ${roomColumns(sql)} FROM rooms WHERE room_id = ${roomId}`;
  return row;
}

export async function roomsByNids(sql: Sql | Tx, nids: readonly number[]): Promise<RoomRow[]> {
  return sql<RoomRow[]>`
    SELECT ${roomColumns(sql)} FROM rooms
    WHERE room_nid = ANY (${numberArray(nids)}::bigint[])`;
}

/** The committed head; undefined when the server has none (rooms known by an invite only). */
export async function loadHead(sql: Sql | Tx, roomNid: number): Promise<HeadRow | undefined> {
  const [row] = await sql<HeadRow[]>`
    SELECT h.version, h.extremities, h.state_root AS "stateRoot", h.depth, h.position,
      h.archived, coalesce(NOT p.complete, false) AS partial, coalesce(p.position, 0) AS "partialAt"
    FROM room_heads h LEFT JOIN partial_rooms p USING (room_nid) WHERE h.room_nid = ${roomNid}`;
  return row;
}

/** The committed head's version; 0 when the server has none. */
export async function headVersion(sql: Sql | Tx, roomNid: number): Promise<number> {
  const [row] = await sql<{ version: number }[]>`
    SELECT version FROM room_heads WHERE room_nid = ${roomNid}`;
  return row?.version ?? 0;
}

/** The first nid of a fresh block of 1,000. */
export async function takeEventNids(sql: Sql | Tx): Promise<number> {
  const [row] = await sql<{ first: number }[]>`SELECT nextval('event_nids') AS first`;
  if (row === undefined) throw new Error("event_nids gave nothing");
  return row.first;
}

/** State nodes by hash, in no order. */
export async function stateNodes(
  sql: Sql | Tx,
  hashes: readonly Buffer[],
): Promise<{ hash: Buffer; data: Buffer }[]> {
  return sql<{ hash: Buffer; data: Buffer }[]>`
    SELECT hash, data FROM state_nodes WHERE hash = ANY (${byteaArray(hashes)}::bytea[])`;
}

export interface TupleRow {
  nid: number;
  type: string;
  stateKey: string;
}

export async function tuplesByNids(sql: Sql | Tx, nids: readonly number[]): Promise<TupleRow[]> {
  return sql<TupleRow[]>`
    SELECT tuple_nid AS nid, type, state_key AS "stateKey" FROM state_tuples
    WHERE tuple_nid = ANY (${numberArray(nids)}::bigint[])`;
}

/** Those of the tuples that are not of the type. */
export async function tuplesOfOtherTypes(
  sql: Sql | Tx,
  nids: readonly number[],
  type: string,
): Promise<number[]> {
  const rows = await sql<{ nid: number }[]>`
    SELECT tuple_nid AS nid FROM state_tuples
    WHERE tuple_nid = ANY (${numberArray(nids)}::bigint[]) AND type <> ${type}`;
  return rows.map((row) => row.nid);
}

export async function tuplesByKeys(
  sql: Sql | Tx,
  keys: readonly (readonly [type: string, stateKey: string])[],
): Promise<TupleRow[]> {
  return sql<TupleRow[]>`
    SELECT t.tuple_nid AS nid, t.type, t.state_key AS "stateKey"
    FROM unnest(${textArray(keys.map(([type]) => type))}::text[],
                ${textArray(keys.map(([, stateKey]) => stateKey))}::text[]) AS key (type, state_key)
    JOIN state_tuples t ON t.type = key.type AND t.state_key = key.state_key`;
}

/**
 * Nids of these keys, created where there are none. Keys that another writer is creating at the
 * moment are absent.
 */
export async function ensureTuples(
  sql: Sql | Tx,
  keys: readonly (readonly [type: string, stateKey: string])[],
): Promise<TupleRow[]> {
  return sql<TupleRow[]>`
    WITH key AS (
      SELECT type, state_key
      FROM unnest(${textArray(keys.map(([type]) => type))}::text[],
                  ${textArray(keys.map(([, stateKey]) => stateKey))}::text[]) AS k (type, state_key)
    ), present AS (
      SELECT t.tuple_nid, t.type, t.state_key FROM key JOIN state_tuples t USING (type, state_key)
    ), made AS (
      INSERT INTO state_tuples (tuple_nid, type, state_key)
      SELECT nextval('state_tuple_nids'), key.type, key.state_key FROM key
      WHERE NOT EXISTS (
        SELECT 1 FROM present p WHERE p.type = key.type AND p.state_key = key.state_key)
      ORDER BY key.type, key.state_key
      ON CONFLICT (type, state_key) DO NOTHING
      RETURNING tuple_nid, type, state_key
    )
    SELECT tuple_nid AS nid, type, state_key AS "stateKey" FROM present
    UNION ALL SELECT tuple_nid, type, state_key FROM made`;
}
