/** Receipts and the fully-read marker, on a real log. */
import { expect, test } from "vitest";
import type { EventId } from "../../src/protocol/identifiers.ts";
import {
  BOB,
  THERE,
  alice,
  appended,
  denied,
  events,
  pointsAt,
  receipts,
  roomId,
  world,
} from "./receipts-of-room.ts";

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
