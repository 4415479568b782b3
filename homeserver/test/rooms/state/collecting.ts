/** State nodes of two servers, and their collection. */
import { beforeAll, expect } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import { createStateTree } from "../../../src/rooms/state/tree/index.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { stateNodes } from "../../../src/storage/rooms/heads.ts";
import type { Sql } from "../../../src/storage/sql.ts";
import {
  beginCollection,
  previewCollection,
  stepCollection,
} from "../../../src/storage/rooms/state-collection.ts";
import type { TestServer } from "../support/world.ts";
import { eventually } from "../../support/wait.ts";
import { startServers } from "../support/servers.ts";

export const [world, a, b] = await startServers("a.test", "b.test");
export const [alice, bob] = [a.user("alice"), b.user("bob")];
export let sql: Sql;

beforeAll(async () => {
  sql = a.db.connect({ max: 2 });
});

export async function sharedRoom(): Promise<RoomId> {
  const users = { [bob.userId]: 100 };
  const roomId = await a.rooms.create.room(alice, {
    preset: "public_chat",
    power_level_content_override: { users },
  });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  return roomId;
}

export function note(server: TestServer, by: Actor, roomId: RoomId, key: string): Promise<EventId> {
  const content = { at: `${Math.random()}` };
  return server.rooms.send.state({ by, roomId, type: "org.example.note", stateKey: key, content });
}

/** What a purge of history does: old events go; ends of the graph and what state they stand on stay. */
export async function purge(db: Sql, roomId: RoomId, keep: number): Promise<number> {
  const gone = await db`
    DELETE FROM events e USING rooms r, room_heads h
    WHERE r.room_id = ${roomId} AND e.room_nid = r.room_nid AND h.room_nid = r.room_nid
      AND e.position <= (SELECT max(position) FROM events WHERE room_nid = r.room_nid) - ${keep}
      AND e.event_nid <> ALL (h.extremities)
      AND NOT EXISTS (
        SELECT 1 FROM current_state c WHERE c.room_nid = e.room_nid AND c.event_nid = e.event_nid)
      AND e.type = 'org.example.note'`;
  return gone.count;
}

export async function collectAll(limit = 1_000): Promise<void> {
  await beginCollection(sql);
  await collectTo("idle", limit);
}

/** Goes on with a collection until it is in that phase. */
export async function collectTo(phase: "idle" | "sweep", limit = 1_000): Promise<void> {
  const step = async () => (await stepCollection(sql, limit)).phase === phase;
  await eventually(`the collection's phase ${phase}`, step, { every: 0 });
}

/** Every state that is referred to can be read to its last node, without any cache. */
export async function expectWhole(): Promise<void> {
  const cold = createStateTree((hashes) => stateNodes(sql, hashes));
  const roots = await sql<{ root: Buffer }[]>`
    SELECT state_root AS root FROM room_heads WHERE state_root IS NOT NULL
    UNION SELECT state_before FROM events WHERE state_before IS NOT NULL
    UNION SELECT state_after FROM events WHERE state_after IS NOT NULL
    UNION SELECT room_state FROM events WHERE room_state IS NOT NULL`;
  for (const { root } of roots) await cold.entries(root.toString("hex"));
  expect((await previewCollection(sql)).missingNodes).toBe(0);
}
