import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import type { TakeParts } from "../../../src/federation-client/reading/read-parts.ts";
import { createWorld, partsOf } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

/** So many that members are left out of answers, and are more than one commit of a join takes. */
const MEMBERS = 1_010;

let world: World;
let a: TestServer;
let alice: Actor;
let roomId: RoomId;
/** Those that were made to join, in order. */
const servers: TestServer[] = [];

beforeAll(async () => {
  world = createWorld();
  a = await world.server("a.test");
  alice = a.user("alice");
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
afterAll(() => world.close());

async function newServer(): Promise<{ b: TestServer; bob: Actor }> {
  const b = await world.server(`b${servers.length}.test`);
  servers.push(b);
  return { b, bob: b.user("bob") };
}

/** Nobody tells a whole state until the answered function is called. */
function holdStates(server: TestServer): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  world.pretend(server, "joinedState", async (honest) => {
    await promise;
    return honest();
  });
  return resolve;
}

async function say(server: TestServer, by: Actor, body: string): Promise<EventId> {
  return server.rooms.send.message({ by, roomId, type: "m.room.message", content: { body } });
}

async function bodies(server: TestServer, by: Actor): Promise<unknown[]> {
  const page = await server.rooms.history.messages(by, roomId, { dir: "b", limit: 100 });
  const events = page.chunk.map(
    (text) => JSON.parse(text) as { type: string; content: { body?: unknown } },
  );
  return events.flatMap(({ type, content }) => (type === "m.room.message" ? content.body : []));
}

async function nidOf(server: TestServer): Promise<number> {
  return (await server.rooms.view.room(roomId))!.nid;
}

async function whole(server: TestServer, by: Actor): Promise<void> {
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

async function expectAgreement(b: TestServer): Promise<void> {
  const [mine, theirs] = [await stateOf(b), await stateOf(a)];
  expect(mine.current).toEqual(theirs.current);
  expect(mine.atNewest).toEqual(theirs.current);
  expect(mine.after).toEqual(theirs.current);
  expect(mine.joined).toEqual(theirs.joined);
}

test("a joiner gets the state without members, and can write at once; the members come later", async () => {
  const { b, bob } = await newServer();
  const goOn = holdStates(a);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  expect(await b.rooms.view.joinedMembers(await nidOf(b))).toEqual([bob.userId]);
  expect(await b.rooms.view.joinedServers(await nidOf(b))).toContain(a.name);
  await say(b, bob, "at once");
  await world.flush();
  expect(await bodies(a, alice)).toContain("at once");
  goOn();
  await whole(b, bob);
  await world.flush();
  await expectAgreement(b);
  await say(b, bob, "later");
  await world.flush();
  await expectAgreement(b);
}, 180_000);

test("what was said before the join can be read once the members are known, and until then is not the room's beginning", async () => {
  const { b, bob } = await newServer();
  await say(a, alice, "long ago");
  world.reset();
  const goOn = holdStates(a);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  const page = await b.rooms.history.messages(bob, roomId, { dir: "b", limit: 100 });
  expect(page.chunk).toHaveLength(1);
  expect(page.end).toBeDefined();
  goOn();
  await whole(b, bob);
  const rest = { dir: "b", limit: 100, from: page.end } as const;
  const { chunk } = await b.rooms.history.messages(bob, roomId, rest);
  expect(chunk.map((text) => JSON.parse(text).content.body)).toContain("long ago");
}, 180_000);

test("what members do who are not known yet is taken by the auth events, and is right in the end", async () => {
  const { b, bob } = await newServer();
  const goOn = holdStates(a);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await say(a, a.user("user1"), "a stranger");
  await a.rooms.members.leave({ by: a.user("user2"), roomId });
  const named = { displayname: "Three", membership: "join" };
  const by = a.user("user3");
  await a.rooms.send.state({
    ...{ by, roomId, type: "m.room.member", stateKey: by.userId, content: named },
  });
  await a.rooms.members.kick({ by: alice, roomId, userId: a.user("user4").userId });
  await world.flush();
  expect(await bodies(b, bob)).toContain("a stranger");
  goOn();
  await whole(b, bob);
  await expectAgreement(b);
}, 180_000);

test("who asks for the members waits until they are known", async () => {
  const { b, bob } = await newServer();
  const goOn = holdStates(a);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  const asked = b.rooms.history.members(bob.userId, roomId, {});
  const first = await Promise.race([asked, say(b, bob, "meanwhile")]);
  expect(typeof first).toBe("string");
  goOn();
  const members = await asked;
  expect(members.length).toBeGreaterThan(MEMBERS);
}, 180_000);

test("a partial server lets nobody else in, and tells no states, but what was said in it", async () => {
  const { b, bob } = await newServer();
  const goOn = holdStates(a);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  const eventId = await say(b, bob, "for all");
  const { federation } = b.rooms;
  const user = a.user("someone").userId;
  await expect(federation.makeJoin(a.name, roomId, user, ["10", "11", "12"])).rejects.toMatchObject(
    { status: 404 },
  );
  await expect(federation.stateIds(a.name, roomId, eventId)).rejects.toMatchObject({
    status: 404,
  });
  expect(JSON.parse(await federation.event(a.name, eventId))).toMatchObject({
    content: { body: "for all" },
  });
  goOn();
  await whole(b, bob);
  const { pduIds } = await federation.stateIds(a.name, roomId, eventId);
  expect(pduIds.length).toBeGreaterThan(MEMBERS);
}, 180_000);

test("another server is asked for the members when the first fails or tells another state", async () => {
  const { b: c, bob: carol } = await newServer();
  await c.rooms.members.join({ by: carol, room: roomId, via: [a.name] });
  await whole(c, carol);
  await world.flush();
  const earlier = servers.filter((one) => one !== c);
  const { b, bob } = await newServer();
  // They are in the room too, and would tell the right state.
  for (const one of earlier) world.cut(b, one);
  const asked: string[] = [];
  world.pretend(a, "joinedState", async (_honest, _room, _event, take: TakeParts) => {
    asked.push(a.name);
    await take(partsOf({ pdus: [] }));
  });
  world.pretend(c, "joinedState", async (honest) => {
    asked.push(c.name);
    return honest();
  });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  await whole(b, bob);
  expect(asked[0]).toBe(a.name);
  expect(asked).toContain(c.name);
  await expectAgreement(b);
}, 180_000);

test("another process goes on where one was killed", async () => {
  const { b, bob } = await newServer();
  const goOn = holdStates(a);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await say(b, bob, "before the end");
  await world.flush();
  await b.close();
  world.reset();
  const again = await world.replica(b);
  goOn();
  await whole(again, bob);
  await expectAgreement(again);
}, 180_000);

test.each([0, 1, 4, 8, 9, 10, 11, 12])(
  "another process goes on where one was killed, %i commits after the join",
  async (commits) => {
    const { b, bob } = await newServer();
    const goOn = holdStates(a);
    await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await say(b, bob, "before the end");
    await world.flush();
    const died = b.dieAfter(commits);
    goOn();
    // Or it was done with fewer.
    await Promise.race([died, whole(b, bob)]);
    world.reset();
    const again = await world.replica(b, { isInstead: true });
    await whole(again, bob);
    await expectAgreement(again);
    await say(again, bob, "after the end");
    await world.flush();
    await expectAgreement(again);
  },
  60_000,
);

test("a server that leaves no members out is joined by the same way", async () => {
  const { b, bob } = await newServer();
  world.pretend(a, "sendJoin", async (_honest, join, take: TakeParts) => {
    const { eventId, pdu } = join;
    const answer = await a.rooms.federation.sendJoin(b.name, roomId, eventId, pdu, false);
    await take(partsOf(answer.head));
    // The state first: nothing in it can be judged before the end.
    for (const [key, list] of [
      ["state", answer.pdus],
      ["auth_chain", answer.authChain],
    ] as const) {
      for await (const texts of list) {
        await take(texts.toReversed().map((text) => ({ key, value: JSON.parse(text) })));
      }
    }
  });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await say(b, bob, "hello");
  await world.flush();
  await whole(b, bob);
  await expectAgreement(b);
}, 180_000);

test("who leaves while the members are fetched, and comes back, has the whole room", async () => {
  const { b, bob } = await newServer();
  const goOn = holdStates(a);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await b.rooms.members.leave({ by: bob, roomId });
  await world.flush();
  goOn();
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  await whole(b, bob);
  await expectAgreement(b);
}, 180_000);
