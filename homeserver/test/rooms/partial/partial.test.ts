import { expect, test } from "vitest";
import type { Actor } from "../../../src/rooms/index.ts";
import type { TestServer } from "../support/world.ts";
import {
  MEMBERS,
  a,
  alice,
  expectAgreement,
  holdStates,
  newServer,
  nidOf,
  roomId,
  say,
  whole,
  world,
} from "./joining.ts";

async function bodies(server: TestServer, by: Actor): Promise<unknown[]> {
  const page = await server.rooms.history.messages(by, roomId, { dir: "b", limit: 100 });
  const events = page.chunk.map(
    (text) => JSON.parse(text) as { type: string; content: { body?: unknown } },
  );
  return events.flatMap(({ type, content }) => (type === "m.room.message" ? content.body : []));
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
