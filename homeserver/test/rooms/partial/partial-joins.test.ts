import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Actor } from "../../../src/rooms/index.ts";
import type { TestServer } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

/** So many that members are left out of answers. */
const MEMBERS = 510;

const [world, a] = await startServers("a.test");
const roomId = await a.rooms.create.room(a.user("alice"), { preset: "public_chat" });
let made = 0;

beforeAll(async () => {
  await Promise.all(
    Array.from({ length: MEMBERS }, (_, i) =>
      a.rooms.members.join({ by: a.user(`user${i}`), room: roomId }),
    ),
  );
}, 120_000);
beforeEach(() => world.reset());

async function newServer(): Promise<{ b: TestServer; bob: Actor }> {
  const b = await world.server(`b${made++}.test`);
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

/** Where a room has a name, joiners are told of no member by whom it could be called. */
async function nameIt(): Promise<void> {
  const [type, content] = ["m.room.name", { name: "Hall" }];
  await a.rooms.send.state({ by: a.user("alice"), roomId, type, stateKey: "", content });
}

async function membersAt(server: TestServer): Promise<string[]> {
  const room = await server.rooms.view.room(roomId);
  return (await server.rooms.view.joinedMembers(room!.nid)).toSorted();
}

test("two users join at once, and both are in it", async () => {
  const { b, bob } = await newServer();
  const ben = b.user("ben");
  await Promise.all(
    [bob, ben].map((by) => b.rooms.members.join({ by, room: roomId, via: [a.name] })),
  );
  await world.flush();
  await b.rooms.history.joinedMembers(bob.userId, roomId);
  expect(await membersAt(b)).toEqual(await membersAt(a));
  expect(await membersAt(b)).toEqual(expect.arrayContaining([bob.userId, ben.userId]));
}, 180_000);

test("another user of the server joins once the members are known", async () => {
  const { b, bob } = await newServer();
  const goOn = holdStates(a);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  const later = b.rooms.members.join({ by: b.user("ben"), room: roomId });
  const said = { by: bob, roomId, type: "m.room.message", content: { body: "first" } };
  await b.rooms.send.message(said);
  goOn();
  await later;
  await world.flush();
  expect(await membersAt(b)).toEqual(await membersAt(a));
}, 180_000);

test("the room is left although nobody of it can be reached, while its members are fetched", async () => {
  const { b, bob } = await newServer();
  const goOn = holdStates(a);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  world.cut(a, b);
  await b.rooms.members.leave({ by: bob, roomId });
  const room = await b.rooms.view.room(roomId);
  const row = await b.rooms.view.membership(room!.nid, bob.userId);
  expect(row?.membership).toBe("leave");
  goOn();
}, 180_000);

test("who leaves meanwhile and comes back is let in by the others again, and all members are known in the end", async () => {
  const { b, bob } = await newServer();
  await nameIt();
  const goOn = holdStates(a);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  await b.rooms.members.leave({ by: bob, roomId });
  await world.flush();
  expect(await membersAt(a)).not.toContain(bob.userId);
  // Of the members it knows next to nobody: that is not to say that nobody is there.
  await b.rooms.members.join({ by: bob, room: roomId });
  goOn();
  await world.flush();
  await b.rooms.history.joinedMembers(bob.userId, roomId);
  expect(await membersAt(a)).toContain(bob.userId);
  expect(await membersAt(b)).toEqual(await membersAt(a));
  // Nor does what was fetched for the first stay make the second one's state a part again.
  const room = (await b.rooms.view.room(roomId))!;
  const row = async () => (await b.rooms.view.partialRooms([room.nid])).get(room.nid);
  await expect.poll(async () => (await row())?.isComplete).toBe(true);
}, 180_000);

test("and also when nobody waited for the members any more", async () => {
  const { b, bob } = await newServer();
  await nameIt();
  world.pretend(a, "joinedState", async () => {
    throw new Error("a busy server");
  });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  await b.rooms.members.leave({ by: bob, roomId });
  await world.flush();
  const room = (await b.rooms.view.room(roomId))!;
  const isGivenUp = async () =>
    (await b.rooms.view.partialRooms([room.nid])).get(room.nid)?.isComplete;
  await expect.poll(isGivenUp, { timeout: 60_000 }).toBe(true);
  expect(await membersAt(a)).not.toContain(bob.userId);
  await b.rooms.members.join({ by: bob, room: roomId });
  await world.flush();
  expect(await membersAt(a)).toContain(bob.userId);
  expect(await membersAt(b)).toEqual(await membersAt(a));
}, 180_000);
