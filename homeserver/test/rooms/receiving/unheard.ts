/** Three servers in a room, one of which has not heard what another said. */
import { beforeEach } from "vitest";
import { createManualClock } from "../../../src/platform/clock.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { TestServer } from "../support/world.ts";
import { openWorld, publicRoom } from "../support/servers.ts";

export const world = openWorld();
export const clock = createManualClock(Date.now());
export const a = await world.server("a.test", { clock });
export const b = await world.server("b.test");
export const c = await world.server("c.test");
const alice = a.user("alice");
export const bob = b.user("bob");
export let roomId: RoomId;

beforeEach(async () => {
  world.reset();
  roomId = await publicRoom(world, [a, alice], [b, bob]);
  await c.rooms.members.join({ by: c.user("carol"), room: roomId, via: [a.name] });
  await world.flush();
});

/** Bob says things of which nobody hears; answers the events in order. */
export async function unheard(
  ...bodies: string[]
): Promise<{ eventId: EventId; pdu: JsonObject }[]> {
  const said: { eventId: EventId; pdu: JsonObject }[] = [];
  await world.lose(async () => {
    for (const body of bodies) said.push(await say(body));
  });
  return said;
}

export async function say(body: string): Promise<{ eventId: EventId; pdu: JsonObject }> {
  const type = "m.room.message";
  const eventId = await b.rooms.send.message({ by: bob, roomId, type, content: { body } });
  const stored = (await b.rooms.view.eventsById([eventId])).get(eventId);
  return { eventId, pdu: JSON.parse(stored!.event.json()) as JsonObject };
}

export async function heard(server: TestServer = a): Promise<string[]> {
  const room = await server.rooms.view.room(roomId);
  const page = await server.rooms.history.timeline(room!.nid, { limit: 20 });
  const bodies = page.events.map(({ event }) => event.content.body as string | undefined);
  return bodies.toReversed().flatMap((body) => body ?? []);
}
