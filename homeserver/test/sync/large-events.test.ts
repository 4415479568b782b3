/** Answers are bounded by what they hold, and not only by how many events that is. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventId, RoomId } from "../../src/protocol/identifiers.ts";
import { createSyncWorld, joinedRoom, type SyncUser, type SyncWorld } from "./support.ts";

const COUNT = 100;
let world: SyncWorld;
let alice: SyncUser;
let roomId: RoomId;
let since: string;
const ids: string[] = [];

beforeAll(async () => {
  world = await createSyncWorld();
  alice = world.user("alice");
  roomId = await world.rooms.create.room(alice.by, {});
  since = (await alice.sync()).next_batch as string;
  for (let count = 0; count < COUNT; count++) {
    ids.push(await alice.send(roomId, `${count} ${"x".repeat(60_000)}`));
  }
});
afterAll(() => world.close());

const idsOf = (events: readonly string[]) =>
  events.map((text) => (JSON.parse(text) as { event_id: string }).event_id);

test.each([
  ["first", undefined],
  ["incremental", "since"],
])(
  "a %s sync holds some megabytes of a room, the newest, and leads to the others",
  async (_, from) => {
    const filter = { room: { timeline: { limit: 1000 } } };
    const body = await alice.sync(from && since, { filter });
    const { timeline } = joinedRoom(body, roomId);
    expect(timeline.limited).toBe(true);
    const shown = (timeline.events as { event_id: string }[]).map((event) => event.event_id);
    expect(shown).toEqual(ids.slice(-shown.length));
    expect(shown.length).toBeGreaterThan(50);
    expect(shown.length).toBeLessThan(75);
    // Nothing lies between the two, and nothing is shown twice.
    const page = await world.rooms.history.messages(alice.by, roomId, {
      dir: "b",
      from: timeline.prev_batch as string,
      limit: 1,
    });
    expect(idsOf(page.chunk)).toEqual([ids.at(-shown.length - 1)]);
  },
);

test.each(["b", "f"] as const)(
  "pages by %s hold some megabytes, and all are had one after another",
  async (dir) => {
    const found: string[] = [];
    const lengths: number[] = [];
    for (let from: string | undefined; lengths.length < 10;) {
      const page = await world.rooms.history.messages(alice.by, roomId, { dir, from, limit: 1000 });
      found.push(...idsOf(page.chunk));
      lengths.push(page.chunk.join("").length);
      if (page.end === undefined) break;
      from = page.end;
    }
    const sent = new Set(ids);
    const wanted = dir === "f" ? ids : ids.toReversed();
    expect(found.filter((id) => sent.has(id))).toEqual(wanted);
    expect(Math.max(...lengths)).toBeLessThan(5 * 1024 * 1024);
  },
);

test("what lies around an event comes to some megabytes on each side, and leads on", async () => {
  // More lies behind the first than an answer holds, and before the last.
  const behind = await world.rooms.history.context(alice.by, roomId, ids[0] as EventId, {
    limit: 1000,
  });
  expect(idsOf(behind.events_after)).toEqual(ids.slice(1, behind.events_after.length + 1));
  expect(behind.events_after.length).toBeLessThan(75);
  const next = { dir: "f", from: behind.end, limit: 1 } as const;
  const page = await world.rooms.history.messages(alice.by, roomId, next);
  expect(idsOf(page.chunk)).toEqual([ids[behind.events_after.length + 1]]);
});
