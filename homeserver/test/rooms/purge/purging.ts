/** A room of two servers, and what a purge leaves of it. */
import { beforeEach } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import type { TestServer } from "../support/world.ts";
import { startServers, publicRoom } from "../support/servers.ts";

export const [world, a, b] = await startServers("a.test", "b.test");
export const [alice, bob] = [a.user("alice"), b.user("bob")];

beforeEach(() => world.reset());

export const say = (on: TestServer, by: Actor, roomId: RoomId, body: string): Promise<EventId> =>
  on.rooms.send.message({ by, roomId, type: "m.room.message", content: { body } });

export const sharedRoom = () => publicRoom(world, [a, alice], [b, bob]);

/** The newest hundred messages, and where the events before those begin, if there are any. */
export async function read(on: TestServer, by: Actor, roomId: RoomId) {
  const page = await on.rooms.history.messages(by, roomId, { dir: "b", limit: 100 });
  const events = page.chunk.map((text) => JSON.parse(text));
  const bodies = events.flatMap(({ content }) => (content.body as string | undefined) ?? []);
  const from = page.end;
  const before =
    from && (await on.rooms.history.messages(by, roomId, { dir: "b", from, limit: 1 }));
  return { bodies: bodies.toReversed(), end: before && before.chunk.length > 0 ? from : undefined };
}
