/** A room of two servers, of which one forges events. */
import { beforeEach } from "vitest";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { forger, newest } from "../support/forge.ts";
import type { Forgery } from "../support/forge.ts";
import { startServers, publicRoom } from "../support/servers.ts";

export const [world, a, b] = await startServers("a.test", "b.test");
export const [alice, bob] = [a.user("alice"), b.user("bob")];
export let roomId: RoomId;

beforeEach(async () => {
  world.reset();
  roomId = await publicRoom(world, [a, alice], [b, bob]);
});

/** An event as b might make it on top of what a knows, with whatever is to be wrong about it. */
export async function forge(forgery: Forgery): Promise<RoomEvent> {
  const { event } = (await newest(a, roomId))!;
  const forged = await forger(b, roomId, bob);
  return forged({ prev: [event.eventId], depth: event.depth + 1, ...forgery });
}

export async function send(pdu: JsonObject): Promise<Record<string, JsonObject>> {
  return a.rooms.federation.receive(b.name, [pdu]);
}

export async function statusOf(eventId: EventId): Promise<string | undefined> {
  return (await a.rooms.view.eventsById([eventId])).get(eventId)?.status;
}

export async function eventOf(user: Actor, eventId: EventId): Promise<JsonObject> {
  return JSON.parse(await a.rooms.history.event(user, roomId, eventId)) as JsonObject;
}
