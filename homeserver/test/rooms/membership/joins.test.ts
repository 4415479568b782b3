import { beforeEach, expect, test } from "vitest";
import { MatrixError } from "../../../src/protocol/errors.ts";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import type { AnswerPart, TakeParts } from "../../../src/federation-client/reading/read-parts.ts";
import type { TestServer } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

const [world, a, c] = await startServers("a.test", "c.test");
const alice = a.user("alice");
let roomId: RoomId;
let made = 0;
beforeEach(async () => {
  world.reset();
  roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
  await c.rooms.members.join({ by: c.user("carol"), room: roomId, via: [a.name] });
  await world.flush();
});

async function newServer(): Promise<{ b: TestServer; bob: Actor }> {
  const b = await world.server(`b${made++}.test`);
  return { b, bob: b.user("bob") };
}

async function members(server: TestServer): Promise<string[]> {
  const room = await server.rooms.view.room(roomId);
  return (await server.rooms.view.joinedMembers(room!.nid)).toSorted();
}

/** The server answers joins with parts that are changed on the way. */
function lie(server: TestServer, change: (part: AnswerPart) => AnswerPart[]): void {
  const takes =
    (take: TakeParts): TakeParts =>
    (parts) =>
      take(parts.flatMap(change));
  world.pretend(server, "sendJoin", async (_honest, { eventId, pdu }, take: TakeParts) => {
    const origin = (pdu["sender"] as string).split(":")[1] as TestServer["name"];
    const answer = await server.rooms.federation.sendJoin(origin, roomId, eventId, pdu);
    const told = takes(take);
    await told(Object.entries(answer.head).map(([key, value]) => ({ key, value: value ?? null })));
    for (const [key, list] of [
      ["auth_chain", answer.authChain],
      ["state", answer.pdus],
    ] as const) {
      for await (const texts of list) {
        await told(texts.map((text) => ({ key, value: JSON.parse(text) as JsonObject })));
      }
    }
  });
}

const typeOf = ({ value }: AnswerPart) => (value as JsonObject | null)?.["type"];

test.each<[string, (part: AnswerPart) => AnswerPart[]]>([
  ["tells nothing", () => []],
  ["leaves the create event out", (part) => (typeOf(part) === "m.room.create" ? [] : [part])],
  ["leaves the join rules out", (part) => (typeOf(part) === "m.room.join_rules" ? [] : [part])],
  [
    "tells forged events",
    (part) =>
      part.key === "state"
        ? [{ key: "state", value: { ...(part.value as JsonObject), sender: "@mallory:a.test" } }]
        : [part],
  ],
])("another server is tried when the first %s", async (_name, change) => {
  const { b, bob } = await newServer();
  lie(a, change);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name, c.name] });
  await world.flush();
  expect(await members(b)).toEqual(await members(a));
  expect(await members(b)).toContain(bob.userId);
});

test("who asks for certain servers gets their answer, and others are asked where none can be reached", async () => {
  const { b, bob } = await newServer();
  const join = (via: TestServer[]) =>
    b.rooms.members.join({ by: bob, room: roomId, via: via.map(({ name }) => name) });
  await join([a]);
  await b.rooms.members.leave({ by: bob, roomId });
  await world.flush();
  const refusal = new MatrixError(400, "M_UNABLE_TO_AUTHORISE_JOIN", "I can't tell");
  world.pretend(a, "makeJoin", () => Promise.reject(refusal));
  await expect(join([a])).rejects.toMatchObject({ errcode: "M_UNABLE_TO_AUTHORISE_JOIN" });
  await join([a, c]);
  await b.rooms.members.leave({ by: bob, roomId });
  await world.flush();
  await join([]);
  await b.rooms.members.leave({ by: bob, roomId });
  await world.flush();
  world.reset();
  world.cut(a, b);
  await join([a]);
  await world.flush();
  expect(await members(b)).toContain(bob.userId);
});

test("a failed join leaves nobody in the room, and can be done again", async () => {
  const { b, bob } = await newServer();
  lie(a, () => []);
  const join = () => b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await expect(join()).rejects.toMatchObject({ status: 502 });
  const room = await b.rooms.view.room(roomId);
  expect(await b.rooms.view.membership(room!.nid, bob.userId)).toBeUndefined();
  world.reset();
  await join();
  await world.flush();
  expect(await members(b)).toContain(bob.userId);
});

test("two users of a server join at once, and both are in the room", async () => {
  const { b, bob } = await newServer();
  const ben = b.user("ben");
  await Promise.all(
    [bob, ben].map((by) => b.rooms.members.join({ by, room: roomId, via: [a.name] })),
  );
  await world.flush();
  expect(await members(b)).toEqual(await members(a));
  expect(await members(b)).toEqual(expect.arrayContaining([bob.userId, ben.userId]));
});

test("one user asks twice at once, and joins once", async () => {
  const { b, bob } = await newServer();
  const join = () => b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await Promise.all([join(), join()]);
  await world.flush();
  expect(await members(b)).toEqual(await members(a));
});

test("a room whose servers are dead is left all the same, and told to them later", async () => {
  const { b, bob } = await newServer();
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  world.cut(a, b);
  world.cut(c, b);
  await b.rooms.members.leave({ by: bob, roomId });
  const room = await b.rooms.view.room(roomId);
  expect((await b.rooms.view.membership(room!.nid, bob.userId))?.membership).toBe("leave");
  world.heal();
  await world.flush();
  expect(await members(a)).not.toContain(bob.userId);
});

test("an answer of a big state leaves out members but those that the join and the name need", async () => {
  const { b, bob } = await newServer();
  const { federation } = a.rooms;
  const guests = Array.from({ length: 500 }, (_, i) => a.user(`guest${i}`));
  await Promise.all(guests.map((by) => a.rooms.members.join({ by, room: roomId })));
  const parts: AnswerPart[] = [];
  world.pretend(a, "sendJoin", async (_honest, { eventId, pdu }, take: TakeParts) => {
    const answer = await federation.sendJoin(b.name, roomId, eventId, pdu, true);
    expect(answer.head).toMatchObject({ members_omitted: true });
    expect(answer.head["servers_in_room"]).toEqual(expect.arrayContaining([a.name, c.name]));
    expect(answer.head["servers_in_room"]).not.toContain(b.name);
    for await (const texts of answer.pdus) {
      for (const text of texts) parts.push({ key: "state", value: JSON.parse(text) as JsonObject });
    }
    for await (const texts of answer.authChain) {
      for (const text of texts)
        parts.push({ key: "auth_chain", value: JSON.parse(text) as JsonObject });
    }
    await take([{ key: "members_omitted", value: true }, ...parts]);
  });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  const told = parts.filter((part) => part.key === "state");
  // The room has no name: five members stand for it.
  expect(told.filter((part) => typeOf(part) === "m.room.member")).toHaveLength(5);
  expect(told.map(typeOf)).toContain("m.room.join_rules");
  await b.rooms.history.joinedMembers(bob.userId, roomId);
}, 180_000);
