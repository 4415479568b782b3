/** Receipts and the fully-read marker, on a real log. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createReceipts, type Receipts } from "../../src/edus/receipts.ts";
import { roomFacts } from "../../src/edus/room-facts.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { serverOf } from "../../src/protocol/identifiers.ts";
import type { EventId, RoomId, ServerName, UserId } from "../../src/protocol/identifiers.ts";
import { createSyncWorld, type SyncUser, type SyncWorld } from "../sync/support.ts";
import { createExclusive } from "../../src/storage/exclusive.ts";

let world: SyncWorld;
let alice: SyncUser;
let receipts: Receipts;
let roomId: RoomId;
const events: EventId[] = [];
const denied = new Set<string>();
const appended: number[] = [];

const BOB = "@bob:there" as UserId;
const THERE = "there" as ServerName;

beforeAll(async () => {
  world = await createSyncWorld();
  alice = world.user("alice");
  roomId = await world.rooms.create.room(alice.by, {});
  for (const text of ["one", "two", "three"]) events.push(await alice.send(roomId, text));
  const facts = roomFacts(world.rooms, serverOf(alice.userId));
  receipts = createReceipts({
    exclusive: createExclusive(),
    log: {
      ...world.log,
      append(append) {
        appended.push(append.records?.length ?? 0);
        return world.log.append(append);
      },
    },
    sql: world.database.sql,
    rooms: {
      ...facts,
      isJoined: async (room, user) => user === BOB || facts.isJoined(room, user),
      aclAllows: async (_room, server) => !denied.has(server),
    },
    clock: systemClock,
    maxThreads: 5,
  });
});
afterAll(() => world.close());

async function pointsAt(
  userId: string,
  type = "m.read",
  threadId = "",
): Promise<string | undefined> {
  const [row] = await world.database.sql<{ id: string }[]>`
    SELECT event_id AS id FROM receipts
    WHERE user_id = ${userId} AND receipt_type = ${type} AND thread_id = ${threadId}`;
  return row?.id;
}

async function fullyRead(): Promise<string | undefined> {
  const [row] = await world.database.sql<{ content: string }[]>`
    SELECT content FROM account_data WHERE user_id = ${alice.userId} AND type = 'm.fully_read'`;
  return row && (JSON.parse(row.content) as { event_id: string }).event_id;
}

const set = (eventId: EventId, type: "m.read" | "m.read.private" | "m.fully_read" = "m.read") =>
  receipts.set({ userId: alice.userId, roomId, type, eventId, threadId: "" });

test("a receipt moves forward and never back, each type for itself", async () => {
  await set(events[1]!);
  await set(events[0]!);
  expect(await pointsAt(alice.userId)).toBe(events[1]);
  await set(events[0]!, "m.read.private");
  expect(await pointsAt(alice.userId, "m.read.private")).toBe(events[0]);
  await set(events[2]!);
  expect(await pointsAt(alice.userId)).toBe(events[2]);
});

test("of many receipts at once the newest stays", async () => {
  const user = world.user("busy");
  const room = await world.rooms.create.room(user.by, {});
  const ids: EventId[] = [];
  for (let i = 0; i < 6; i += 1) ids.push(await user.send(room, `m${i}`));
  const shuffled = [3, 5, 0, 4, 1, 2].map((i) => ids[i]!);
  await Promise.all(
    shuffled.map((eventId) =>
      receipts.set({ userId: user.userId, roomId: room, type: "m.read", eventId, threadId: "" }),
    ),
  );
  expect(await pointsAt(user.userId)).toBe(ids[5]);
});

test("the fully-read marker moves forward and never back", async () => {
  await set(events[1]!, "m.fully_read");
  await set(events[0]!, "m.fully_read");
  expect(await fullyRead()).toBe(events[1]);
  await set(events[2]!, "m.fully_read");
  expect(await fullyRead()).toBe(events[2]);
});

test("a receipt for an event of another room, or in a room of others, is refused", async () => {
  const other = await world.rooms.create.room(alice.by, {});
  const elsewhere = await alice.send(other, "elsewhere");
  await expect(set(elsewhere)).rejects.toMatchObject({ errcode: "M_INVALID_PARAM" });
  const stranger = world.user("stranger").userId;
  const request = { userId: stranger, roomId, type: "m.read", eventId: events[0]!, threadId: "" };
  await expect(receipts.set(request as never)).rejects.toMatchObject({ errcode: "M_FORBIDDEN" });
});

const edu = (eventId: string, user: string = BOB, room: string = roomId, data: object = {}) => ({
  [room]: { "m.read": { [user]: { event_ids: [eventId], data: { ts: 7, ...data } } } },
});

test("other servers' receipts are taken in together, the good beside the bad", async () => {
  appended.length = 0;
  await receipts.receive(THERE, {
    "not a room": { "m.read": { [BOB]: { event_ids: [events[0]] } } },
    "!unknown:there": { "m.read": { [BOB]: { event_ids: [events[0]] } } },
    [roomId]: {
      "m.read": {
        "not a user": { event_ids: [events[0]] },
        "@mallory:elsewhere": { event_ids: [events[0]] },
        [alice.userId]: { event_ids: [events[0]] },
        "@gone:there": { event_ids: [events[0]] },
        [BOB]: { event_ids: [events[1]], data: { ts: 7, thread_id: "main" } },
      },
      "m.read.private": { [BOB]: { event_ids: [events[2]] } },
    },
  } as never);
  expect(appended).toEqual([1]);
  expect(await pointsAt(BOB, "m.read", "main")).toBe(events[1]);
  expect(await pointsAt(BOB, "m.read.private")).toBeUndefined();
  expect(await pointsAt(alice.userId)).toBe(events[2]);
});

test("other servers' receipts never move back, and need not be of events that are here", async () => {
  await receipts.receive(THERE, edu(events[1]!));
  await receipts.receive(THERE, edu(events[0]!));
  expect(await pointsAt(BOB)).toBe(events[1]);
  await receipts.receive(THERE, edu("$not-here-yet"));
  expect(await pointsAt(BOB)).toBe("$not-here-yet");
});

test("receipts of a server that the room's ACL denies are ignored", async () => {
  await receipts.receive(THERE, edu(events[1]!));
  denied.add(THERE);
  await receipts.receive(THERE, edu(events[2]!));
  denied.clear();
  expect(await pointsAt(BOB)).toBe(events[1]);
});

test("a threaded receipt points into its thread", async () => {
  const root = await alice.send(roomId, "root");
  const relation = { rel_type: "m.thread", event_id: root };
  const reply = await alice.send(roomId, "reply", { "m.relates_to": relation });
  const edit = await alice.send(roomId, "edit", {
    "m.relates_to": { rel_type: "m.replace", event_id: reply },
  });
  const beside = await alice.send(roomId, "beside");
  const within = (eventId: EventId, threadId: string) =>
    receipts.set({ userId: alice.userId, roomId, type: "m.read", eventId, threadId });
  for (const [eventId, threadId] of [
    [root, root],
    [reply, root],
    [edit, root],
    [root, "main"],
    [beside, "main"],
  ] as const) {
    await within(eventId, threadId);
    expect(await pointsAt(alice.userId, "m.read", threadId)).toBe(eventId);
  }
  for (const [eventId, threadId] of [
    [beside, root],
    [reply, "main"],
    [edit, "main"],
    [reply, beside],
    [beside, "$unknown"],
  ] as const) {
    const refused = { errcode: "M_INVALID_PARAM", status: 400 };
    await expect(within(eventId, threadId)).rejects.toMatchObject(refused);
  }
});

test("of receipts on one event the unthreaded one is told", async () => {
  const event = await alice.send(roomId, "read twice");
  const { next_batch: since } = await alice.sync();
  for (const order of [
    ["", "main"],
    ["main", ""],
  ]) {
    for (const threadId of order) {
      await receipts.set({
        userId: alice.userId,
        roomId,
        type: "m.read",
        eventId: event,
        threadId,
      });
    }
  }
  const { rooms } = await alice.sync(since);
  const [told] = rooms.join[roomId].ephemeral.events;
  expect(told.content[event]["m.read"][alice.userId]).toEqual({ ts: expect.any(Number) });
});

test("another server's user has receipts of so many threads, those that moved last", async () => {
  const roots = Array.from({ length: 8 }, (_, i) => `$thread${i}`);
  const receipt = (threadId: string | undefined, i: number) => ({
    [roomId]: {
      "m.read": { [BOB]: { event_ids: [`$elsewhere${i}`], data: { ts: i, thread_id: threadId } } },
    },
  });
  await receipts.receive(THERE, receipt("main", 1));
  for (const [i, root] of roots.entries()) await receipts.receive(THERE, receipt(root, i));
  expect(await pointsAt(BOB, "m.read", "main")).toBe("$elsewhere1");
  const kept = await Promise.all(roots.map((root) => pointsAt(BOB, "m.read", root)));
  expect(kept.map((id) => id !== undefined)).toEqual([false, false, false, ...Array(5).fill(true)]);
});
