/** What single syncs tell of device lists and keys, and what that costs. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Wake } from "../../src/log/wake.ts";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import { deviceListChanges } from "../../src/sync/sections/device-lists.ts";
import type { KeyCounts } from "../../src/sync/sections/key-counts.ts";
import { countsChanged, makeLists } from "../support/key-counts.ts";
import { eventually } from "../support/wait.ts";
import { createSyncWorld, joinedRoom, type SyncUser, type SyncWorld, texts } from "./support.ts";

let world: SyncWorld;
let alice: SyncUser;
let bob: SyncUser;
let carol: SyncUser;
const counts = new Map<string, KeyCounts>();
const countsOf = ({ userId }: { userId: string }) =>
  counts.get(userId) ?? { oneTimeKeys: {}, unusedFallbackTypes: [] };

beforeAll(async () => {
  world = await createSyncWorld({
    parts: { keyCounts: { counts: async (device) => countsOf(device), peekCounts: countsOf } },
  });
  [alice, bob, carol] = [world.user("alice"), world.user("bob"), world.user("carol")];
});
afterAll(() => world.close());

async function shared(...others: SyncUser[]): Promise<RoomId> {
  const roomId = await world.rooms.create.room(alice.by, { preset: "public_chat" });
  for (const other of others) await world.rooms.members.join({ by: other.by, room: roomId });
  return roomId;
}

const changeDevice = (of: SyncUser, deviceId = "D") =>
  world.log.append({
    records: [{ kind: "device_list", userId: of.userId, deviceId, isRemoved: false }],
  });

const rename = (of: SyncUser, roomId: RoomId, displayname: string) =>
  world.rooms.send.state({
    ...{ by: of.by, roomId, type: "m.room.member", stateKey: of.userId },
    content: { membership: "join", displayname },
  });

test("an initial sync has no device lists, and the next one tells of changes since", async () => {
  await shared(bob);
  const first = await alice.sync();
  expect(first).not.toHaveProperty("device_lists");
  await changeDevice(bob);
  await changeDevice(carol);
  const { device_lists: lists } = await alice.sync(first.next_batch);
  expect(lists).toEqual({ changed: [bob.userId], left: [] });
});

test("one is told of changes of one's own devices, and of whom one signed", async () => {
  await shared(bob);
  const { next_batch: since } = await alice.sync();
  await changeDevice(alice);
  const signature = { kind: "user_signature" as const, userId: alice.userId };
  await world.log.append({ records: [{ ...signature, targetId: bob.userId }] });
  const { device_lists: lists } = await alice.sync(since);
  expect(lists).toEqual({ changed: [alice.userId, bob.userId], left: [] });
  expect(await bob.sync(since)).toMatchObject({ device_lists: { changed: [alice.userId] } });
});

test("the first room that is shared brings somebody into view, and the last takes them out", async () => {
  const [dan, eve] = [world.user("dan"), world.user("eve")];
  const make = () => world.rooms.create.room(dan.by, { preset: "public_chat" });
  const rooms = [await make(), await make()];
  let { next_batch: since } = await dan.sync();
  const lists = async () => {
    const body = await dan.sync(since);
    since = body.next_batch;
    return body.device_lists;
  };
  await world.rooms.members.join({ by: eve.by, room: rooms[0]! });
  expect(await lists()).toEqual({ changed: [eve.userId], left: [] });
  await world.rooms.members.join({ by: eve.by, room: rooms[1]! });
  expect(await lists()).toBeUndefined();
  await world.rooms.members.leave({ by: eve.by, roomId: rooms[0]! });
  expect(await lists()).toBeUndefined();
  await rename(eve, rooms[1]!, "Eve");
  expect(await lists()).toBeUndefined();
  await world.rooms.members.ban({ by: dan.by, roomId: rooms[1]!, userId: eve.userId });
  expect(await lists()).toEqual({ changed: [], left: [eve.userId] });
  await changeDevice(eve);
  expect(await lists()).toBeUndefined();
});

test("an invitation shows nobody, and neither does a knock", async () => {
  const [fay, gus] = [world.user("fay"), world.user("gus")];
  const { next_batch: since } = await fay.sync();
  const roomId = await world.rooms.create.room(fay.by, { preset: "private_chat" });
  await world.rooms.members.invite({ by: fay.by, roomId, userId: gus.userId });
  await changeDevice(gus);
  expect(await fay.sync(since)).not.toHaveProperty("device_lists");
  expect(await gus.sync(since)).toMatchObject({
    device_lists: { changed: [gus.userId], left: [] },
  });
});

test("who leaves everything for good is told of nobody, and of the end of all", async () => {
  const [hal, ida] = [world.user("hal"), world.user("ida")];
  const roomId = await world.rooms.create.room(hal.by, { preset: "public_chat" });
  await world.rooms.members.join({ by: ida.by, room: roomId });
  const { next_batch: since } = await hal.sync();
  await world.rooms.members.leave({ by: hal.by, roomId });
  await changeDevice(ida);
  expect((await hal.sync(since)).device_lists).toEqual({ changed: [], left: [ida.userId] });
});

test("filters leave device lists, messages for the device and counts of keys alone", async () => {
  await shared(bob);
  const { next_batch: since } = await alice.sync();
  await changeDevice(bob);
  const filter = {
    presence: { types: [] },
    account_data: { types: [] },
    room: { rooms: [], timeline: { types: [] }, state: { types: [] } },
  };
  for (const options of [{ filter }, { fullState: true }, { stateAfter: true }]) {
    const body = await alice.sync(since, options);
    expect(body.device_lists.changed).toContain(bob.userId);
    expect(body.device_one_time_keys_count).toEqual({ signed_curve25519: 0 });
  }
});

test("a waiting sync is woken by the change of a device, and not by one of a stranger's", async () => {
  const [jan, kim, lee] = [world.user("jan"), world.user("kim"), world.user("lee")];
  const roomId = await world.rooms.create.room(jan.by, { preset: "public_chat" });
  await world.rooms.members.join({ by: kim.by, room: roomId });
  const { next_batch: since } = await jan.sync();
  const waiting = jan.sync(since, { timeout: 30_000 });
  await changeDevice(lee);
  await changeDevice(kim);
  expect((await waiting).device_lists).toEqual({ changed: [kim.userId], left: [] });
});

test("messages, names and idle polls cost nothing more", async () => {
  const roomId = await shared(bob);
  const filter = { room: { state: { lazy_load_members: true } } };
  let { next_batch: since } = await alice.sync(undefined, { filter });
  for (const text of ["warm", "warm, too"]) {
    await bob.send(roomId, text);
    ({ next_batch: since } = await alice.sync(since, { filter }));
  }
  await bob.send(roomId, "news");
  world.queries();
  const now = alice.syncNow(since, { filter });
  expect(texts(joinedRoom(now, roomId))).toEqual(["news"]);
  expect(now.device_unused_fallback_key_types).toEqual([]);
  const idle = { filter, timeout: 20 };
  expect(await alice.sync(now.next_batch, idle)).not.toHaveProperty("device_lists");
  expect(world.queries()).toBe(0);
  await rename(bob, roomId, "Bob");
  world.queries();
  expect(await alice.sync(now.next_batch, { filter })).not.toHaveProperty("device_lists");
  // For the room's summary.
  expect(world.queries()).toBeLessThanOrEqual(3);
});

test("a change of a device is looked up once for all who sync next", async () => {
  const many = ["una", "vic", "wim", "xia"].map((name) => world.user(name));
  await shared(bob, ...many);
  const filter = { room: { state: { lazy_load_members: true } } };
  const firsts = [];
  for (const user of many) firsts.push(await user.sync(undefined, { filter }));
  const seconds = [];
  for (const [index, user] of many.entries()) {
    seconds.push((await user.sync(firsts[index]!.next_batch, { filter, timeout: 0 })).next_batch);
  }
  await changeDevice(bob);
  const costs = [];
  for (const [index, user] of many.entries()) {
    world.queries();
    const { device_lists: lists } = await user.sync(seconds[index], { filter });
    expect(lists).toEqual({ changed: [bob.userId], left: [] });
    costs.push(world.queries());
  }
  expect(costs.slice(1)).toEqual([0, 0, 0]);
});

test("of somebody in very many rooms the database tells who shares one", async () => {
  const others: string[][] = [];
  const sources = {
    knownSince: async () => 0,
    usersWithChanges: async () => [bob.userId],
    roomsAt: async (_users: unknown, _position: unknown, limit: number) =>
      Array.from({ length: limit }, (_, roomNid) => ({ userId: bob.userId, roomNid })),
    async sharing(_user: string, asked: readonly string[]) {
      others.push([...asked]);
      return new Set(asked);
    },
  };
  const remembered = { among: [], joined: new Set([1_000_000]), maySign: false };
  const between = { after: 1, upTo: 2 };
  const lists = await deviceListChanges(sources as never, alice.userId, between, remembered);
  expect(lists).toEqual({ changed: [bob.userId], left: [] });
  expect(others).toContainEqual([bob.userId]);
});

test("a change in one of many rooms is looked for in that room", async () => {
  const rooms = [];
  for (let index = 0; index < 10; index += 1) rooms.push(await shared(bob));
  const { next_batch: since } = await alice.sync();
  await world.rooms.members.join({ by: world.user("mia").by, room: rooms[4]! });
  world.queries();
  expect((await alice.sync(since)).device_lists.changed).toEqual(["@mia:test.example"]);
  expect(world.queries()).toBeLessThanOrEqual(14);
});

test("counts of keys are in every sync, and a change of them is told at once to that device", async () => {
  const nat = world.user("nat");
  const { next_batch: since } = await nat.sync(undefined, { device: "ONE" });
  const waiting = nat.sync(since, { device: "ONE", timeout: 30_000 });
  const other = nat.sync(since, { device: "TWO", timeout: 300 });
  counts.set(nat.userId, {
    oneTimeKeys: { signed_curve25519: 49, other: 1 },
    unusedFallbackTypes: ["signed_curve25519"],
  });
  await makeLists(world.database.sql, nat.userId, ["ONE"]);
  await world.log.append({ records: [countsChanged(nat.userId, ["ONE"])] });
  const told = {
    device_one_time_keys_count: { signed_curve25519: 49, other: 1 },
    device_unused_fallback_key_types: ["signed_curve25519"],
  };
  const body = await waiting;
  expect(body).toEqual({ ...told, next_batch: expect.any(String) });
  expect(body.next_batch).not.toBe(since);
  expect(await other).toEqual({ ...told, next_batch: since });
  // A device that was away at a restart learns of it, too; one to which nothing happened waits.
  await world.stop();
  world = await world.again();
  [alice, bob, carol] = [world.user("alice"), world.user("bob"), world.user("carol")];
  const again = await world.user("nat").sync(since, { device: "ONE", timeout: 30_000 });
  expect(again).toMatchObject(told);
  const start = performance.now();
  await world.user("nat").sync(since, { device: "TWO", timeout: 200 });
  expect(performance.now() - start).toBeGreaterThan(150);
});

test("what changed between two tokens is told whenever it is asked for", async () => {
  const [ora, pia] = [world.user("ora"), world.user("pia")];
  const roomId = await world.rooms.create.room(ora.by, { preset: "public_chat" });
  const { next_batch: one } = await ora.sync();
  await world.rooms.members.join({ by: pia.by, room: roomId });
  const { next_batch: two } = await ora.sync(one);
  await changeDevice(pia);
  const { next_batch: three } = await ora.sync(two);
  await world.rooms.members.leave({ by: pia.by, roomId });
  const { next_batch: four } = await ora.sync(three);
  const between = (from: string, to: string) => world.sync.deviceListChanges(ora.userId, from, to);
  expect(await between(one, two)).toEqual({ changed: [pia.userId], left: [] });
  expect(await between(two, three)).toEqual({ changed: [pia.userId], left: [] });
  expect(await between(three, four)).toEqual({ changed: [], left: [pia.userId] });
  expect(await between(one, four)).toEqual({ changed: [], left: [] });
  expect(await between(four, one)).toEqual({ changed: [], left: [] });
  await expect(between("nonsense", one)).rejects.toMatchObject({ status: 400 });
});

test("a replica that reads of a join after it was written over tells of it all the same", async () => {
  let wakeUp: Parameters<Wake["onWake"]>[0] | undefined;
  const wake: Wake = {
    announce() {},
    onWake(listener) {
      wakeUp = listener;
      return () => undefined;
    },
    shared: false,
    stop: async () => {},
  };
  const quin = world.user("quin");
  const roomId = await world.rooms.create.room(quin.by, { preset: "public_chat" });
  const late = await createSyncWorld({ database: world.database, wake });
  const reader = late.user("quin");
  const { next_batch: since } = await reader.sync();
  const rob = world.user("rob");
  await world.rooms.members.join({ by: rob.by, room: roomId });
  const joinedAt = world.log.position;
  await rename(rob, roomId, "Rob");
  wakeUp!(joinedAt, undefined);
  await eventually("it has read of the join", () => late.log.position === joinedAt);
  const body = await reader.sync(since);
  expect(body.device_lists).toEqual({ changed: [rob.userId], left: [] });
  wakeUp!(world.log.position, undefined);
  await eventually("it has read of the name", () => late.log.position > joinedAt);
  expect(await reader.sync(body.next_batch)).not.toHaveProperty("device_lists");
  await late.stop();
});
