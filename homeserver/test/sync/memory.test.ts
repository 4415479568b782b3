/** What sync answers from memory, and what it costs in queries. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import { createSyncWorld, joinedRoom, type SyncUser, type SyncWorld, texts } from "./support.ts";

let world: SyncWorld;
let alice: SyncUser;
let bob: SyncUser;

beforeAll(async () => {
  world = await createSyncWorld();
  [alice, bob] = [world.user("alice"), world.user("bob")];
});
afterAll(() => world.close());

async function shared(...others: SyncUser[]): Promise<RoomId> {
  const roomId = await world.rooms.create.room(alice.by, { preset: "public_chat" });
  for (const other of others) await world.rooms.members.join({ by: other.by, room: roomId });
  return roomId;
}

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
  expect(await bob.sync(since, { timeout: 30 })).toEqual({ next_batch: since });
  expect(world.queries()).toBe(0);
});

test("a room that was quiet since the start is answered from memory, whatever happened elsewhere", async () => {
  const quiet = await shared(bob);
  const busy = await shared();
  await world.stop();
  world = await world.again();
  [alice, bob] = [world.user("alice"), world.user("bob")];
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
  for (let i = 0; i < 12; i += 1) rooms.push(await shared(bob));
  const { next_batch: since } = await bob.sync();
  await alice.send(rooms[3]!, "news");
  await world.stop();
  world = await world.again();
  [alice, bob] = [world.user("alice"), world.user("bob")];
  await bob.sync(since);
  world.queries();
  const body = await bob.sync(since);
  expect(Object.keys(body.rooms.join)).toEqual([rooms[3]]);
  expect(world.queries()).toBeLessThanOrEqual(12);
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
  await world.stop();
  world = await world.again();
  [alice, bob] = [world.user("alice"), world.user("bob")];
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

test("somebody in two devices at once is told the same counts", async () => {
  const roomId = await shared(bob);
  let { next_batch: since } = await bob.sync();
  for (let round = 0; round < 5; round += 1) {
    const sends = [1, 2, 3].map((i) => alice.send(roomId, `${round} ${i}`));
    const syncs = [1, 2, 3, 4].map((i) => bob.sync(since, { device: `D${i}` }));
    await Promise.all([...sends, ...syncs]);
    const [a, b] = await Promise.all([bob.sync(since), bob.sync(since, { device: "OTHER" })]);
    const count = (body: typeof a) => joinedRoom(body, roomId).unread_notifications;
    expect(count(a)).toEqual({ notification_count: 3 * (round + 1), highlight_count: 0 });
    expect(count(b)).toEqual(count(a));
    since = a.next_batch;
  }
});

test("unread counts survive a restart, also after a change of one's own name", async () => {
  const roomId = await shared(bob);
  const { next_batch: since } = await bob.sync();
  await alice.send(roomId, "one");
  await world.rooms.send.state({
    by: bob.by,
    roomId,
    type: "m.room.member",
    stateKey: bob.userId,
    content: { membership: "join", displayname: "Robert" },
  });
  await alice.send(roomId, "two");
  const count = async () => joinedRoom(await bob.sync(since), roomId).unread_notifications;
  expect((await count()).notification_count).toBe(2);
  await world.stop();
  world = await world.again();
  [alice, bob] = [world.user("alice"), world.user("bob")];
  expect((await count()).notification_count).toBe(2);
});

test("a receipt of one's own brings the counts, also where the filter leaves receipts out", async () => {
  const roomId = await shared(bob);
  const { next_batch: first } = await bob.sync();
  const last = await alice.send(roomId, "one");
  const { next_batch: since } = await bob.sync(first);
  await alice.sync(since);
  await bob.read(roomId, last, "m.read.private");
  const filter = { room: { ephemeral: { types: [] } } };
  const body = await bob.sync(since, { filter });
  expect(joinedRoom(body, roomId).unread_notifications.notification_count).toBe(0);
  expect(joinedRoom(body, roomId).ephemeral.events).toEqual([]);
  expect(joinedRoom(await alice.sync(since), roomId)).toBeUndefined();
});

test("who says something has read what was said before, there and in no other thread", async () => {
  const roomId = await shared(bob);
  const { next_batch: since } = await bob.sync();
  const root = await alice.send(roomId, "root");
  const inThread = { "m.relates_to": { rel_type: "m.thread", event_id: root } };
  const reply = await alice.send(roomId, "in the thread", inThread);
  const relation = { rel_type: "m.reference", event_id: reply };
  await alice.send(roomId, "about the reply", { "m.relates_to": relation });
  const filter = { room: { timeline: { unread_thread_notifications: true } } };
  const counts = async () => {
    const room = joinedRoom(await bob.sync(since, { filter }), roomId);
    const { notification_count: main } = room.unread_notifications;
    return [main, room.unread_thread_notifications[root]?.notification_count ?? 0];
  };
  expect(await counts()).toEqual([1, 2]);
  await bob.send(roomId, "mine");
  expect(await counts()).toEqual([0, 2]);
  await alice.send(roomId, "answer");
  await bob.send(roomId, "mine in the thread", inThread);
  expect(await counts()).toEqual([1, 0]);
  await world.stop();
  world = await world.again();
  [alice, bob] = [world.user("alice"), world.user("bob")];
  expect(await counts()).toEqual([1, 0]);
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
  expect(body).toEqual({ next_batch: expect.any(String) });
  expect(position(body.next_batch)).toBe(position(ahead));
  await other.stop();
});
