/** Damages what is stored of a room, for tests of `weft doctor`. */
import { bytesOfRoot, rootOfBytes } from "../../../src/rooms/records/events.ts";
import { createRoomStore } from "../../../src/rooms/state/store.ts";
import { writeNodes } from "../../../src/storage/rooms/mend-rooms.ts";
import type { Sql } from "../../../src/storage/sql.ts";

/** Writes another number of an event in place of one (null: none) into all stored states of a room. */
export async function replaceInStates(
  sql: Sql,
  roomNid: number,
  from: number,
  to: number | null,
): Promise<void> {
  const store = createRoomStore(sql);
  const done = new Map<string, string | null>();
  const replaced = async (bytes: Buffer | null): Promise<Buffer | null> => {
    const root = rootOfBytes(bytes);
    if (root === null) return null;
    if (!done.has(root)) {
      const entries = await store.tree.entries(root);
      const changes = entries
        .filter(([, nid]) => nid === from)
        .map(([tuple]) => [tuple, to] as const);
      const made = await store.tree.set(root, changes);
      if (made.nodes.length > 0) await sql.begin((tx) => writeNodes(tx, made.nodes, 1));
      done.set(root, made.root);
    }
    return bytesOfRoot(done.get(root) ?? null);
  };
  const rows = await sql<{ nid: number; b: Buffer | null; a: Buffer | null; r: Buffer | null }[]>`
    SELECT event_nid AS nid, state_before AS b, state_after AS a, room_state AS r FROM events
    WHERE room_nid = ${roomNid}`;
  for (const { nid, b, a, r } of rows) {
    await sql`
      UPDATE events SET state_before = ${await replaced(b)}, state_after = ${await replaced(a)},
        room_state = ${await replaced(r)} WHERE event_nid = ${nid}`;
  }
  const [head] = await sql<{ root: Buffer | null }[]>`
    SELECT state_root AS root FROM room_heads WHERE room_nid = ${roomNid}`;
  await sql`
    UPDATE room_heads SET state_root = ${await replaced(head!.root)} WHERE room_nid = ${roomNid}`;
}
