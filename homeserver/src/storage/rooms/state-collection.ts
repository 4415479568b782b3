/**
 * Mark and sweep of state nodes, a bounded step at a time (docs/decisions, "State nodes are marked
 * and swept"). Every step is a transaction that holds the row of state_collection, and so do
 * deletions of events: neither sees the other half done.
 */
import type { Sql, Tx } from "../sql.ts";

type CollectionPhase = "idle" | "heads" | "events" | "follow" | "sweep";

/** How far the collection is. */
export interface Collection {
  phase: CollectionPhase;
  epoch: number;
  cursor: number;
  swept: Buffer;
  /** Removed by this collection, or by the last one. */
  nodes: number;
  bytes: number;
  /** There may be nodes to remove. */
  wanted: boolean;
}

/** What a whole collection would find at this moment. */
export interface CollectionPreview {
  nodes: number;
  bytes: number;
  unneededNodes: number;
  unneededBytes: number;
  /** Needed, and not stored: the database has lost them. */
  missingNodes: number;
}

export async function readCollection(sql: Sql | Tx): Promise<Collection> {
  const [row] = await sql<Collection[]>`
    SELECT phase, epoch, cursor, swept, nodes, bytes, wanted FROM state_collection`;
  if (row === undefined)
    throw new Error("state_collection has no row: the database is not migrated");
  return row;
}

/**
 * Begins a collection. Appends from now on write the new epoch into their nodes; earlier ones are
 * visible to the marking.
 */
export async function beginCollection(sql: Sql): Promise<void> {
  const [row] = await sql<{ epoch: number }[]>`
    UPDATE log_head SET epoch = epoch + 1 RETURNING epoch`;
  const epoch = row?.epoch ?? 0;
  await sql.begin(async (tx) => {
    await lockCollection(tx);
    await tx`TRUNCATE state_marks RESTART IDENTITY`;
    await tx`
      UPDATE state_collection SET phase = 'heads', epoch = ${epoch}, cursor = 0, swept = '',
        nodes = 0, bytes = 0, wanted = false`;
  });
}

/** One step of the running collection over at most `limit` rows; returns its progress. */
export async function stepCollection(sql: Sql, limit: number): Promise<Collection> {
  return sql.begin<Collection>(async (tx) => {
    const before = await lockCollection(tx);
    if (before.phase === "sweep") return sweep(tx, before, limit);
    if (before.phase === "idle") return before;
    const last = await MARKING[before.phase](tx, before.cursor, limit);
    if (last !== undefined) await tx`UPDATE state_collection SET cursor = ${last}`;
    else await tx`UPDATE state_collection SET cursor = 0, phase = ${NEXT[before.phase]}`;
    return readCollection(tx);
  });
}

type MarkingPhase = "heads" | "events" | "follow";

const NEXT = { heads: "events", events: "follow", follow: "sweep" } as const;

/**
 * Marks what a batch after the cursor refers to; returns the new cursor, or undefined at the end.
 */
type Mark = (tx: Tx, cursor: number, limit: number) => Promise<number | undefined>;

const MARKING: Record<MarkingPhase, Mark> = {
  async heads(tx, cursor, limit) {
    const [row] = await tx<{ last: number | null }[]>`
      WITH batch AS (
        SELECT room_nid, state_root FROM room_heads WHERE room_nid > ${cursor}
        ORDER BY room_nid LIMIT ${limit}
      ), marked AS (
        INSERT INTO state_marks (hash)
        SELECT DISTINCT state_root FROM batch WHERE state_root IS NOT NULL
        ON CONFLICT (hash) DO NOTHING
      )
      SELECT max(room_nid) AS last FROM batch`;
    return row?.last ?? undefined;
  },
  async events(tx, cursor, limit) {
    const [row] = await tx<{ last: number | null }[]>`
      WITH batch AS (
        SELECT event_nid, state_before, state_after, room_state FROM events
        WHERE event_nid > ${cursor} ORDER BY event_nid LIMIT ${limit}
      ), marked AS (
        INSERT INTO state_marks (hash)
        SELECT DISTINCT root FROM batch,
          LATERAL (VALUES (state_before), (state_after), (room_state)) AS r (root)
        WHERE root IS NOT NULL
        ON CONFLICT (hash) DO NOTHING
      )
      SELECT max(event_nid) AS last FROM batch`;
    return row?.last ?? undefined;
  },
  // A branch: 0x01, 8 bytes, then 16 bytes of hash per child (rooms/state/tree/node.ts).
  async follow(tx, cursor, limit) {
    const [row] = await tx<{ last: number | null }[]>`
      WITH batch AS (
        SELECT place, hash FROM state_marks WHERE place > ${cursor} ORDER BY place LIMIT ${limit}
      ), marked AS (
        INSERT INTO state_marks (hash)
        SELECT DISTINCT substring(n.data FROM 10 + 16 * i FOR 16)
        FROM batch JOIN state_nodes n USING (hash),
          generate_series(0, (length(n.data) - 9) / 16 - 1) AS i
        WHERE get_byte(n.data, 0) = 1
        ON CONFLICT (hash) DO NOTHING
      )
      SELECT max(place) AS last FROM batch`;
    return row?.last ?? undefined;
  },
};

async function lockCollection(tx: Tx): Promise<Collection> {
  await tx`SELECT 1 FROM state_collection FOR UPDATE`;
  return readCollection(tx);
}

/**
 * An append that brings one of these nodes at this moment either has it kept, or writes it again
 * afterwards.
 */
async function sweep(tx: Tx, { epoch, swept }: Collection, limit: number): Promise<Collection> {
  const [row] = await tx<{ last: Buffer | null; nodes: number; bytes: number }[]>`
    WITH batch AS MATERIALIZED (
      SELECT hash FROM state_nodes WHERE hash > ${swept} ORDER BY hash LIMIT ${limit}
    ), gone AS (
      DELETE FROM state_nodes s USING batch b
      WHERE s.hash = b.hash AND s.epoch < ${epoch}
        AND NOT EXISTS (SELECT 1 FROM state_marks m WHERE m.hash = b.hash)
      RETURNING length(s.data) + 16 AS bytes
    )
    SELECT (SELECT hash FROM batch ORDER BY hash DESC LIMIT 1) AS last,
      count(*) AS nodes, coalesce(sum(bytes), 0)::bigint AS bytes
    FROM gone`;
  if (row?.last) {
    await tx`
      UPDATE state_collection SET swept = ${row.last}, nodes = nodes + ${row.nodes},
        bytes = bytes + ${row.bytes}`;
  } else {
    await tx`UPDATE state_collection SET phase = 'idle'`;
    await tx`TRUNCATE state_marks RESTART IDENTITY`;
  }
  return readCollection(tx);
}

/**
 * What would go, without changing anything; takes time and memory of the database in proportion to
 * all of it.
 */
export async function previewCollection(sql: Sql): Promise<CollectionPreview> {
  const [row] = await sql<CollectionPreview[]>`
    WITH RECURSIVE needed (hash) AS (
      SELECT root FROM (
        SELECT state_root FROM room_heads
        UNION SELECT state_before FROM events
        UNION SELECT state_after FROM events
        UNION SELECT room_state FROM events
      ) AS r (root) WHERE root IS NOT NULL
      UNION
      SELECT substring(n.data FROM 10 + 16 * i FOR 16)
      FROM needed JOIN state_nodes n USING (hash),
        generate_series(0, (length(n.data) - 9) / 16 - 1) AS i
      WHERE get_byte(n.data, 0) = 1
    ), seen AS (
      SELECT s.hash, length(s.data) + 16 AS bytes, n.hash AS needed
      FROM state_nodes s FULL JOIN needed n ON n.hash = s.hash
    )
    SELECT count(hash) AS nodes, coalesce(sum(bytes), 0)::bigint AS bytes,
      count(*) FILTER (WHERE needed IS NULL) AS "unneededNodes",
      coalesce(sum(bytes) FILTER (WHERE needed IS NULL), 0)::bigint AS "unneededBytes",
      count(*) FILTER (WHERE hash IS NULL) AS "missingNodes"
    FROM seen`;
  if (row === undefined) throw new Error("the database answered nothing");
  return row;
}
