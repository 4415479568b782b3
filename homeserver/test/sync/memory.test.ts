/** What sync answers from memory, and what it costs in queries. */
import { expect, test } from "vitest";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import { joinedRoom, NO_KEYS, texts } from "./support.ts";
import { alice, bob, restart, shared, world } from "./counted.ts";

test("an incremental sync with a new message costs no query", async () => {
  const roomId = await shared(bob);
  const other = await shared();
  let { next_batch: since } = await bob.sync();
  await alice.send(roomId, "warm");
  ({ next_batch: since } = await bob.sync(since));
  await alice.send(other, "elsewhere");
  await alice.send(roomId, "one");
  world.queries();
  const body = await bob.sync(since);
  expect(texts(joinedRoom(body, roomId))).toEqual(["one"]);
  expect(joinedRoom(body, roomId).unread_notifications.notification_count).toBe(2);
  expect(world.queries()).toBe(0);
});

test("an idle long-poll costs no query", async () => {
  await shared(bob);
  const { next_batch: since } = await bob.sync();
  world.queries();
  expect(await bob.sync(since, { timeout: 30 })).toEqual({ ...NO_KEYS, next_batch: since });
  expect(world.queries()).toBe(0);
});

test("a room that was quiet since the start is answered from memory, whatever happened elsewhere", async () => {
  const quiet = await shared(bob);
  const busy = await shared();
  await restart();
  const { next_batch: since } = await bob.sync();
  for (let i = 0; i < 5; i += 1) await alice.send(busy, `m${i}`);
  await alice.send(quiet, "first since the start");
  await bob.sync(since);
  await alice.send(quiet, "second");
  world.queries();
  expect(texts(joinedRoom(await bob.sync(since), quiet))).toEqual([
    "first since the start",
    "second",
  ]);
  expect(world.queries()).toBe(0);
});

test("after a restart, one query tells which of many rooms have news", async () => {
  const rooms: RoomId[] = [];
  for (let i = 0; i < 24; i += 1) rooms.push(await shared(bob));
  const { next_batch: since } = await bob.sync();
  await alice.send(rooms[3]!, "news");
  await restart();
  await bob.sync(since);
  world.queries();
  const body = await bob.sync(since);
  expect(Object.keys(body.rooms.join)).toEqual([rooms[3]]);
  expect(world.queries()).toBeLessThanOrEqual(20);
});

test("a change of account data in one room reads that room only", async () => {
  const rooms: RoomId[] = [];
  for (let i = 0; i < 12; i += 1) rooms.push(await shared(bob));
  const { next_batch: since } = await bob.sync();
  const room = (await world.rooms.view.room(rooms[5]!))!;
  await world.log.append({
    records: [
      { kind: "account_data", userId: bob.userId, roomNid: room.nid, type: "m.tag", content: "{}" },
    ],
  });
  world.queries();
  const body = await bob.sync(since);
  expect(Object.keys(body.rooms.join)).toEqual([rooms[5]]);
  expect(world.queries()).toBeLessThanOrEqual(2);
});

test("presence of a few costs no query, and is of those who share a room", async () => {
  await shared(bob);
  const stranger = world.user("stranger");
  const { next_batch: since } = await bob.sync();
  await bob.sync(since);
  const entry = { statusMsg: undefined, lastActiveTs: Date.now(), currentlyActive: true };
  for (const { userId } of [alice, stranger]) {
    await world.rooms.view.membershipsOf(userId);
    world.ephemeral.setPresence({ ...entry, userId, presence: "online" });
  }
  world.queries();
  const body = await bob.sync(since);
  expect(body.presence.events.map((e: { sender: string }) => e.sender)).toEqual([alice.userId]);
  expect(world.queries()).toBe(0);
});

test("who comes into a room sees the presence of those who are there", async () => {
  const roomId = await shared();
  const carol = world.user("carol");
  const { next_batch: since } = await carol.sync();
  const entry = { statusMsg: "Here", lastActiveTs: Date.now(), currentlyActive: true };
  world.ephemeral.setPresence({ ...entry, userId: alice.userId, presence: "online" });
  expect((await carol.sync(since)).presence).toBeUndefined();
  const { next_batch: next } = await carol.sync();
  await world.rooms.members.join({ by: carol.by, room: roomId });
  const { presence } = await carol.sync(next);
  expect(presence.events.map((e: { sender: string }) => e.sender)).toEqual([alice.userId]);
});

test("typing in a room that is quiet since the start costs no query", async () => {
  const roomId = await shared(bob);
  await restart();
  let { next_batch: since } = await bob.sync();
  for (const ms of [10_000, 0]) {
    world.ephemeral.setTyping(roomId, alice.userId, ms);
    world.queries();
    const body = await bob.sync(since);
    const [typing] = joinedRoom(body, roomId).ephemeral.events;
    expect(typing.content.user_ids).toEqual(ms > 0 ? [alice.userId] : []);
    expect(world.queries()).toBe(0);
    since = body.next_batch;
  }
});

test("a token of another replica that is ahead is not taken back", async () => {
  const roomId = await shared(bob);
  const other = await world.again();
  const late = other.user("bob");
  const { next_batch: here } = await late.sync();
  await alice.send(roomId, "told by the first");
  const { next_batch: ahead } = await bob.sync(here);
  const body = await late.sync(ahead, { timeout: 20 });
  const position = (token: string) => token.split("_")[0];
  expect(body).toEqual({ ...NO_KEYS, next_batch: expect.any(String) });
  expect(position(body.next_batch)).toBe(position(ahead));
  await other.stop();
});
