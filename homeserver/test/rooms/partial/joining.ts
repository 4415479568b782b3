/** A room of many members, and servers that join it without them. */
import { afterEach, beforeAll, expect } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import type { TestServer } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

/** So many that members are left out of answers, and are more than one commit of a join takes. */
export const MEMBERS = 1_010;
export const [world, a] = await startServers("a.test");
export const alice = a.user("alice");
export let roomId: RoomId;

/** Those that were made to join, in order. */
export const servers: TestServer[] = [];

beforeAll(async () => {
  roomId = await a.rooms.create.room(alice, { preset: "public_chat", name: "Big" });
  await Promise.all(
    Array.from({ length: MEMBERS }, (_, i) =>
      a.rooms.members.join({ by: a.user(`user${i}`), room: roomId }),
    ),
  );
  world.reset();
}, 120_000);

afterEach(async () => {
  await world.flush();
  world.reset();
});

export async function newServer(): Promise<{ b: TestServer; bob: Actor }> {
  const b = await world.server(`b${servers.length}.test`);
  servers.push(b);
  return { b, bob: b.user("bob") };
}

/** Nobody tells a whole state until the answered function is called. */
export function holdStates(server: TestServer): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  world.pretend(server, "joinedState", async (honest) => {
    await promise;
    return honest();
  });
  return resolve;
}

export async function say(server: TestServer, by: Actor, body: string): Promise<EventId> {
  return server.rooms.send.message({ by, roomId, type: "m.room.message", content: { body } });
}

export async function nidOf(server: TestServer): Promise<number> {
  return (await server.rooms.view.room(roomId))!.nid;
}

export async function whole(server: TestServer, by: Actor): Promise<void> {
  await server.rooms.history.joinedMembers(by.userId, roomId);
}

/** State as the table, the tree and the memberships have it, by event id. */
async function stateOf(server: TestServer) {
  const { view } = server.rooms;
  const nid = await nidOf(server);
  const current = await view.currentState(nid);
  const [newest] = (await server.rooms.history.timeline(nid, { limit: 1 })).events;
  const atNewest = await view.stateAt(newest!.roomState);
  const after = await view.stateAt(newest!.stateAfter);
  const lines = (state: typeof current) => state.map(({ event }) => event.eventId).toSorted();
  const rows = await server.db.sql<{ user: string }[]>`
    SELECT user_id AS user FROM memberships WHERE room_nid = ${nid} AND membership = 'join'`;
  return {
    current: lines(current),
    atNewest: lines(atNewest),
    after: lines(after),
    joined: rows.map((row) => row.user).toSorted(),
  };
}

export async function expectAgreement(b: TestServer): Promise<void> {
  const [mine, theirs] = [await stateOf(b), await stateOf(a)];
  expect(mine.current).toEqual(theirs.current);
  expect(mine.atNewest).toEqual(theirs.current);
  expect(mine.after).toEqual(theirs.current);
  expect(mine.joined).toEqual(theirs.joined);
}
