/** Two users who share rooms, on a database whose statements are counted. */
import { afterAll, beforeAll } from "vitest";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import { createSyncWorld, type SyncUser, type SyncWorld } from "./support.ts";

export let world: SyncWorld;
export let alice: SyncUser;
export let bob: SyncUser;

beforeAll(async () => {
  world = await createSyncWorld();
  [alice, bob] = [world.user("alice"), world.user("bob")];
});

afterAll(() => world.close());

/** Begins anew on what is stored. */
export async function restart(): Promise<void> {
  await world.stop();
  world = await world.again();
  [alice, bob] = [world.user("alice"), world.user("bob")];
}

export async function shared(...others: SyncUser[]): Promise<RoomId> {
  const roomId = await world.rooms.create.room(alice.by, { preset: "public_chat" });
  for (const other of others) await world.rooms.members.join({ by: other.by, room: roomId });
  return roomId;
}
