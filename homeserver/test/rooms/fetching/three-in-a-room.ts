/** Three servers in a room, and what one of them has of an event. */
import { afterEach, beforeEach } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { createThreeServers } from "../support/three-servers.ts";
import type { TestServer, World } from "../support/world.ts";

export let world: World;
export let [a, b, c]: TestServer[] = [];
export let alice: Actor;
export let carol: Actor;
export let roomId: RoomId;
export const letGo: (() => void)[] = [];

beforeEach(async () => {
  const made = await createThreeServers();
  [a, b, c] = made.servers;
  ({ world, alice, carol, roomId } = made);
});

afterEach(async () => {
  for (const go of letGo.splice(0)) go();
  await world.close();
});

export async function eventOf(eventId: EventId, on: TestServer): Promise<RoomEvent> {
  return (await on.rooms.view.eventsById([eventId])).get(eventId)!.event;
}

export async function say(body: string, on = a!, by = alice): Promise<RoomEvent> {
  const content = { msgtype: "m.text", body };
  return eventOf(await on.rooms.send.message({ by, roomId, type: "m.room.message", content }), on);
}

/** Of what the task does nobody hears. */
export async function unheard<T>(task: () => Promise<T>): Promise<T> {
  let value!: T;
  await world.lose(async () => void (value = await task()));
  return value;
}

export const pduOf = (event: RoomEvent) => JSON.parse(event.json()) as JsonObject;

export const receive = (from: TestServer, events: readonly RoomEvent[], at = b!) =>
  at.rooms.federation.receive(from.name, events.map(pduOf));

interface Row {
  readonly status: number;
  readonly json: string;
  readonly placed: boolean;
  readonly redacted: boolean;
  readonly position: number | null;
  readonly ordinal: number;
}

export async function rowOf({ eventId }: RoomEvent, on = b!): Promise<Row | undefined> {
  const [row] = await on.db.sql<Row[]>`
    SELECT status, json, position IS NOT NULL AS placed, redacted_by IS NOT NULL AS redacted, position, ordinal
    FROM events WHERE event_id = ${eventId}`;
  return row;
}

export function tellNoHistory(): void {
  for (const server of [a!, c!]) {
    world.pretend(server, "missingEvents", async () => ({ events: [] }));
  }
}
