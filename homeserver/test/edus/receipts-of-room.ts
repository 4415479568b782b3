/** Receipts in a room of many events, and what is stored of them. */
import { afterAll, beforeAll } from "vitest";
import { createReceipts, type Receipts } from "../../src/edus/receipts.ts";
import { roomFacts } from "../../src/edus/room-facts.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { serverOf } from "../../src/protocol/identifiers.ts";
import type { EventId, RoomId, ServerName, UserId } from "../../src/protocol/identifiers.ts";
import { createSyncWorld, type SyncUser, type SyncWorld } from "../sync/support.ts";
import { createExclusive } from "../../src/storage/exclusive.ts";

export let world: SyncWorld;
export let alice: SyncUser;
export let receipts: Receipts;
export let roomId: RoomId;
export const events: EventId[] = [];
export const denied = new Set<string>();
export const appended: number[] = [];
export const BOB = "@bob:there" as UserId;
export const THERE = "there" as ServerName;

beforeAll(async () => {
  world = await createSyncWorld();
  alice = world.user("alice");
  roomId = await world.rooms.create.room(alice.by, {});
  for (const text of ["one", "two", "three"]) events.push(await alice.send(roomId, text));
  const facts = roomFacts(world.rooms, serverOf(alice.userId));
  receipts = createReceipts({
    exclusive: createExclusive(),
    log: {
      ...world.log,
      append(append) {
        appended.push(append.records?.length ?? 0);
        return world.log.append(append);
      },
    },
    sql: world.database.sql,
    rooms: {
      ...facts,
      isJoined: async (room, user) => user === BOB || facts.isJoined(room, user),
      aclAllows: async (_room, server) => !denied.has(server),
    },
    clock: systemClock,
    maxThreads: 5,
  });
});

afterAll(() => world.close());

export async function pointsAt(
  userId: string,
  type = "m.read",
  threadId = "",
): Promise<string | undefined> {
  const [row] = await world.database.sql<{ id: string }[]>`
    SELECT event_id AS id FROM receipts
    WHERE user_id = ${userId} AND receipt_type = ${type} AND thread_id = ${threadId}`;
  return row?.id;
}
