/** A server that may do anything, and how others fare beside it. */
import { beforeEach, expect } from "vitest";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import { parseLoose } from "../../../src/protocol/json.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { TestServer } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

export const [world, a, h] = await startServers("a.test", "h.test");
export const [alice, mallory] = [a.user("alice"), h.user("mallory")];

/** Where the hostile server is. */
export let roomId: RoomId;

/** Where it isn't. */
export let quiet: RoomId;

beforeEach(async () => {
  world.reset();
  roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
  quiet = await a.rooms.create.room(alice, { preset: "private_chat" });
  await h.rooms.members.join({ by: mallory, room: roomId, via: [a.name] });
  await world.flush();
});

/** As it comes from the wire: numbers that can't be read are kept as such. */
export function onWire(text: string): JsonObject {
  return parseLoose(text) as JsonObject;
}

export function copy(event: RoomEvent): JsonObject {
  return onWire(event.json());
}

async function sendTimes(count: number): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < count; i += 1) {
    const type = "m.room.message";
    await a.rooms.send.message({ by: alice, roomId: quiet, type, content: { body: `quiet ${i}` } });
  }
  return (performance.now() - started) / count;
}

/** How long sending in the quiet room takes beside the hostile work, in terms of what it takes alone. */
export async function beside(work: Promise<unknown>): Promise<void> {
  let isOver = false;
  const over = work.finally(() => (isOver = true));
  const times: number[] = [];
  while (!isOver) times.push(await sendTimes(10));
  await over;
  const alone = await sendTimes(50);
  const during = times.reduce((sum, ms) => sum + ms, 0) / Math.max(times.length, 1);
  console.info(`a send in another room: ${(during / alone).toFixed(1)} times as long meanwhile`);
  expect(times.length).toBeGreaterThan(0);
}

export async function stateOf(server: TestServer, id: RoomId): Promise<EventId[]> {
  const state = await server.rooms.view.currentState((await server.rooms.view.room(id))!.nid);
  return state.map(({ event }) => event.eventId).toSorted();
}

export async function count(table: "events" | "staged_events"): Promise<number> {
  const [row] = await a.db.sql<{ n: number }[]>`SELECT count(*) AS n FROM ${a.db.sql(table)}`;
  return row!.n;
}
