/** What lists of rooms show: its numbers are kept by triggers, what the state says is written here. */
import type { Sql, Tx } from "../sql.ts";
import { numberArray, textArray } from "../sql.ts";
import { transaction } from "../transaction.ts";

/** What a room's current state says of it; null: nothing. */
export interface RoomDescription {
  readonly name: string | null;
  readonly topic: string | null;
  readonly avatar: string | null;
  readonly canonicalAlias: string | null;
  readonly creator: string | null;
  readonly roomType: string | null;
  readonly federatable: boolean;
  readonly encryption: string | null;
  readonly joinRules: string | null;
  readonly guestAccess: string | null;
  readonly historyVisibility: string | null;
  readonly tombstoned: boolean;
  readonly replacementRoom: string | null;
}

/** State with an empty key that is told, as `is_told_of_rooms` has it. */
const TYPES = [
  ...["m.room.create", "m.room.name", "m.room.topic", "m.room.avatar", "m.room.canonical_alias"],
  ...["m.room.encryption", "m.room.join_rules", "m.room.guest_access"],
  ...["m.room.history_visibility", "m.room.tombstone"],
];

/** Notes this server's name; where it is another than before, local members are counted anew. */
export async function noteServerName(sql: Sql, server: string): Promise<void> {
  const [known] = await sql`SELECT 1 FROM this_server WHERE server = ${server}`;
  if (known !== undefined) return;
  await transaction(sql, async (tx) => {
    // Nobody comes or leaves while they are counted.
    await tx`LOCK TABLE memberships IN SHARE MODE`;
    await tx`
      INSERT INTO this_server (server) VALUES (${server})
      ON CONFLICT (only_row) DO UPDATE SET server = excluded.server`;
    await tx`
      UPDATE room_stats s SET joined_local = (
        SELECT count(*) FROM memberships m
        WHERE m.room_nid = s.room_nid AND m.server = ${server} AND m.membership = 'join')`;
  });
}

/** State events that tell of a room, and the revision of what is told by them. */
export interface StaleRoom {
  readonly roomNid: number;
  readonly revision: number;
  /** PDUs' texts. */
  readonly state: readonly string[];
}

/** Rooms whose state has changed since it was told. */
export async function staleRooms(sql: Sql, limit: number): Promise<StaleRoom[]> {
  return await sql<StaleRoom[]>`
    SELECT s.room_nid AS "roomNid", s.revision, ARRAY(
        SELECT e.json FROM current_state c JOIN events e USING (event_nid)
        WHERE c.room_nid = s.room_nid AND c.type = ANY (${textArray(TYPES)}::text[])
          AND c.state_key = '') AS state
    FROM room_stats s WHERE s.described <> s.revision
    ORDER BY s.room_nid LIMIT ${limit}`;
}

/**
 * Writes what the state says of rooms, except where it has changed since `revision`. Rooms that
 * somebody writes to are passed over: an append may hold one of them and wait for another. Returns
 * how many were written.
 */
export async function describeRooms(
  sql: Sql | Tx,
  rooms: readonly (RoomDescription & { readonly roomNid: number; readonly revision: number })[],
): Promise<number> {
  const column = (of: (room: RoomDescription) => string | null) => textArray(rooms.map(of));
  const numbers = (of: (room: (typeof rooms)[number]) => number) => numberArray(rooms.map(of));
  const { count } = await sql`
    WITH free AS MATERIALIZED (
      SELECT room_nid FROM room_stats WHERE room_nid = ANY (${numbers((r) => r.roomNid)}::bigint[])
      ORDER BY room_nid FOR UPDATE SKIP LOCKED)
    UPDATE room_stats s SET described = t.revision, name = t.name, topic = t.topic,
      avatar = t.avatar, canonical_alias = t.alias, creator = t.creator, room_type = t.type,
      federatable = t.federatable = 1, encryption = t.encryption, join_rules = t.rules,
      guest_access = t.guests, history_visibility = t.visibility, tombstoned = t.tombstoned = 1,
      replacement_room = t.replacement, found_by = t.found_by
    FROM free, unnest(
      ${numbers((r) => r.roomNid)}::bigint[], ${numbers((r) => r.revision)}::bigint[],
      ${column((r) => r.name)}::text[], ${column((r) => r.topic)}::text[],
      ${column((r) => r.avatar)}::text[], ${column((r) => r.canonicalAlias)}::text[],
      ${column((r) => r.creator)}::text[], ${column((r) => r.roomType)}::text[],
      ${numbers((r) => (r.federatable ? 1 : 0))}::bigint[],
      ${column((r) => r.encryption)}::text[], ${column((r) => r.joinRules)}::text[],
      ${column((r) => r.guestAccess)}::text[], ${column((r) => r.historyVisibility)}::text[],
      ${numbers((r) => (r.tombstoned ? 1 : 0))}::bigint[],
      ${column((r) => r.replacementRoom)}::text[], ${column(foundBy)}::text[])
      AS t (nid, revision, name, topic, avatar, alias, creator, type, federatable, encryption,
        rules, guests, visibility, tombstoned, replacement, found_by)
    WHERE s.room_nid = t.nid AND free.room_nid = t.nid AND s.revision = t.revision`;
  return count;
}

/** Name, and the alias without its server, in lower case. */
function foundBy({ name, canonicalAlias }: RoomDescription): string {
  const alias = (canonicalAlias ?? "").slice(1).split(":")[0] ?? "";
  return `${name ?? ""}\n${alias}`.toLowerCase();
}
