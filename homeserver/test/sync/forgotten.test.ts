/** Forgetting a room: the user's other devices and the other replicas hear of it by the log. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import { createWorld } from "../rooms/support/world.ts";
import type { TestServer, World } from "../rooms/support/world.ts";
import { joinedRoom, leftRoom, syncOn } from "./support.ts";

type Syncing = ReturnType<typeof syncOn>;

let world: World;
let one: TestServer;
let two: TestServer;
const opened: Syncing[] = [];

beforeAll(async () => {
  world = createWorld();
  one = await world.server("hq.test");
  two = await world.replica(one);
});
afterAll(async () => {
  for (const { sync, ephemeral } of opened) {
    sync.stop();
    await ephemeral.stop();
  }
  await world.close();
});

function userOn(server: TestServer, name: string) {
  const on = syncOn({
    log: server.log,
    rooms: server.rooms,
    sql: server.db.sql,
    serverName: "hq.test",
  });
  opened.push(on);
  return on.user(name);
}

/** Resolves when the replica has taken in all that was committed. */
async function caughtUp(server: TestServer): Promise<void> {
  await server.log.append({
    records: [{ kind: "account_data", userId: "@x:hq.test", roomNid: 0, type: "x", content: "{}" }],
  });
}

async function leaveAndForget(roomId: RoomId, bob: ReturnType<typeof userOn>): Promise<void> {
  await one.rooms.members.leave({ by: bob.by, roomId });
  await one.rooms.members.forget(bob.by, roomId);
}

async function room(bob: ReturnType<typeof userOn>): Promise<RoomId> {
  const roomId = await one.rooms.create.room(one.user("alice"), { preset: "public_chat" });
  await one.rooms.members.join({ by: bob.by, room: roomId });
  return roomId;
}

test("a forgotten room ends for the user's other devices, and is listed no more", async () => {
  const bob = userOn(one, "bob");
  const roomId = await room(bob);
  const before = await bob.sync();
  expect(joinedRoom(before, roomId)).toBeDefined();
  await leaveAndForget(roomId, bob);
  const everything = { filter: { room: { include_leave: true } } };
  // From memory, after a restart, and on the other replica.
  await caughtUp(two);
  for (const device of [bob, userOn(one, "bob"), userOn(two, "bob")]) {
    const late = await device.sync(before.next_batch);
    const left = leftRoom(late, roomId);
    expect(left.timeline.events).toMatchObject([{ content: { membership: "leave" } }]);
    expect(left.state.events).toEqual([]);
    expect(leftRoom(await device.sync(late.next_batch), roomId)).toBeUndefined();
    expect(leftRoom(await device.sync(undefined, everything), roomId)).toBeUndefined();
  }
});

test("what is forgotten is out of reach by every path, until one is in the room again", async () => {
  const bob = userOn(one, "bob");
  const { by } = bob;
  const roomId = await room(bob);
  const content = { body: "x", msgtype: "m.text" };
  const eventId = await one.rooms.send.message({ by, roomId, type: "m.room.message", content });
  const { history } = one.rooms;
  const paths = () => [
    history.event(by, roomId, eventId),
    history.context(by, roomId, eventId, {}),
    history.relations(by, roomId, eventId, {}),
    history.messages(by, roomId, { dir: "b" }),
    history.threads(by, roomId, {}),
    history.closestTo(by, roomId, { ts: 0, dir: "f" }),
    history.state(by.userId, roomId),
    history.stateEvent(by.userId, roomId, "m.room.create", ""),
    history.members(by.userId, roomId, {}),
  ];
  await one.rooms.members.leave({ by, roomId });
  const statuses = async () =>
    (await Promise.allSettled(paths())).map((found) =>
      found.status === "fulfilled" ? 200 : found.reason.status,
    );
  expect(new Set(await statuses())).toEqual(new Set([200]));
  await one.rooms.members.forget(by, roomId);
  expect(await statuses()).toEqual([404, 404, 404, 403, 403, 403, 403, 403, 403]);
  await one.rooms.members.join({ by, room: roomId });
  expect(new Set(await statuses())).toEqual(new Set([200]));
});

test("another replica that had the room in memory forgets it, too", async () => {
  const here = userOn(one, "carol");
  const there = userOn(two, "carol");
  const roomId = await room(here);
  await caughtUp(two);
  await there.sync();
  await one.rooms.members.leave({ by: here.by, roomId });
  await caughtUp(two);
  expect(await two.rooms.history.state(there.userId, roomId)).not.toEqual([]);
  await one.rooms.members.forget(here.by, roomId);
  await caughtUp(two);
  const everything = { filter: { room: { include_leave: true } } };
  expect(leftRoom(await there.sync(undefined, everything), roomId)).toBeUndefined();
  await expect(two.rooms.history.state(there.userId, roomId)).rejects.toMatchObject({
    status: 403,
  });
  // Who comes back has it again, on both.
  await one.rooms.members.join({ by: here.by, room: roomId });
  await caughtUp(two);
  expect(joinedRoom(await there.sync(), roomId)).toBeDefined();
});
