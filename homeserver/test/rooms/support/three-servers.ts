import type { RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { createWorld } from "./world.ts";
import type { TestServer, World } from "./world.ts";

export interface ThreeServers {
  readonly world: World;
  /** a.test, b.test and c.test, each with its user. */
  readonly servers: readonly [TestServer, TestServer, TestServer];
  readonly alice: Actor;
  readonly bob: Actor;
  readonly carol: Actor;
}

/** A new world with three servers and no room. */
export async function createServersApart(): Promise<ThreeServers> {
  const world = createWorld();
  const a = await world.server("a.test");
  const b = await world.server("b.test");
  const c = await world.server("c.test");
  const [alice, bob, carol] = [a.user("alice"), b.user("bob"), c.user("carol")];
  return { world, servers: [a, b, c], alice, bob, carol };
}

/** The user's membership as the server has it; undefined when it has none. */
export async function membershipAt(server: TestServer, roomId: RoomId, userId: UserId) {
  const room = await server.rooms.view.room(roomId);
  return room && (await server.rooms.view.membership(room.nid, userId))?.membership;
}

/** The same with all three in one public room, which alice made. Carol is as powerful as alice. */
export async function createThreeServers(): Promise<ThreeServers & { readonly roomId: RoomId }> {
  const made = await createServersApart();
  const { alice, bob, carol } = made;
  const [a, b, c] = made.servers;
  const { world } = made;
  const roomId = await a.rooms.create.room(alice, {
    preset: "public_chat",
    power_level_content_override: { users: { [carol.userId]: 100 } },
  });
  for (const [server, by] of [
    [b, bob],
    [c, carol],
  ] as const) {
    await server.rooms.members.join({ by, room: roomId, via: [a.name] });
    await world.flush();
  }
  return { ...made, roomId };
}
