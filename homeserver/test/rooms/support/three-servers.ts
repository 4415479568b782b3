import type { RoomId } from "../../../src/protocol/identifiers.ts";
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
  readonly roomId: RoomId;
}

/** A new world of three servers in one public room, which alice made. Carol is as powerful as alice. */
export async function createThreeServers(): Promise<ThreeServers> {
  const world = createWorld();
  const a = await world.server("a.test");
  const b = await world.server("b.test");
  const c = await world.server("c.test");
  const [alice, bob, carol] = [a.user("alice"), b.user("bob"), c.user("carol")];
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
  return { world, servers: [a, b, c], alice, bob, carol, roomId };
}
