/** Three users of one server, and rooms that they are in, or were. */
import { afterAll, beforeAll } from "vitest";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import type { Body } from "../support/user.ts";
import { createSyncWorld, type SyncUser, type SyncWorld } from "./support.ts";

export let world: SyncWorld;
export let alice: SyncUser;
export let bob: SyncUser;
export let carol: SyncUser;

beforeAll(async () => {
  world = await createSyncWorld();
  [alice, bob, carol] = [world.user("alice"), world.user("bob"), world.user("carol")];
});

afterAll(() => world.close());

export async function room(
  visibility: string,
  ...others: SyncUser[]
): Promise<{ roomId: RoomId; since: string }> {
  const roomId = await world.rooms.create.room(alice.by, {
    preset: "public_chat",
    initial_state: [
      {
        type: "m.room.history_visibility",
        state_key: "",
        content: { history_visibility: visibility },
      },
    ],
  });
  for (const other of others) await join(other, roomId);
  return { roomId, since: (await bob.sync()).next_batch };
}

export const join = (who: SyncUser, roomId: RoomId) =>
  world.rooms.members.join({ by: who.by, room: roomId });

export const leave = (who: SyncUser, roomId: RoomId) =>
  world.rooms.members.leave({ by: who.by, roomId });

export const state = (
  who: SyncUser,
  roomId: RoomId,
  type: string,
  content: JsonObject,
  stateKey = "",
) => world.rooms.send.state({ by: who.by, roomId, type, stateKey, content });

export const types = (events: Body[]): string[] => events.map((e) => e.type);

export const membersIn = (events: Body[]): string[] =>
  events
    .filter((e) => e.type === "m.room.member")
    .map((e) => `${e.state_key} ${e.content.membership}`);
