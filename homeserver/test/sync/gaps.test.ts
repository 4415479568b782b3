/** What a client is shown where events of other servers were missed: never a timeline with a hole in it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import type { Actor } from "../../src/rooms/index.ts";
import { createWorld } from "../rooms/support/world.ts";
import type { TestServer, World } from "../rooms/support/world.ts";
import type { Body } from "../support/user.ts";
import { joinedRoom, syncOn } from "./support.ts";

type Syncing = ReturnType<typeof syncOn>;

let world: World;
let a: TestServer;
let b: TestServer;
let alice: Actor;
let on: Syncing;
let bob: ReturnType<Syncing["user"]>;
let roomId: RoomId;
const opened: Syncing[] = [];

beforeAll(async () => {
  world = createWorld();
  a = await world.server("a.test");
  b = await world.server("b.test");
  alice = a.user("alice");
  on = open();
  bob = on.user("bob");
});
beforeEach(async () => {
  world.reset();
  roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
  world.reset();
  await b.rooms.members.join({ by: bob.by, room: roomId, via: [a.name] });
});
afterEach(() => world.reset());
afterAll(async () => {
  for (const one of opened) {
    one.sync.stop();
    await one.ephemeral.stop();
  }
  await world.close();
});

/** One that begins now knows nothing from memory. */
function open(): Syncing {
  const made = syncOn({ log: b.log, rooms: b.rooms, sql: b.db.sql, serverName: b.name });
  opened.push(made);
  return made;
}

const say = (body: string) =>
  a.rooms.send.message({ by: alice, roomId, type: "m.room.message", content: { body } });

/** So many are said, of which b hears the last `heard`, by one request for missing events. */
async function miss(count: number, heard: number): Promise<void> {
  await world.lose(async () => {
    for (let i = 0; i < count - 1; i++) await say(`${i}`);
  });
  await say(`${count - 1}`);
  let asked = 0;
  world.pretend(a, "missingEvents", async (honest) => {
    const { events } = (await honest()) as { events: unknown[] };
    return { events: asked++ === 0 ? events.slice(-(heard - 1)) : [] };
  });
  await world.flush();
}

const bodies = (events: Body[]): string[] => events.flatMap((event) => event.content.body ?? []);
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);

const page = (from: string, dir: "b" | "f", limit: number) =>
  b.rooms.history.messages(bob.by, roomId, { dir, from, limit });
const bodiesOf = (texts: readonly string[]) => bodies(texts.map((text) => JSON.parse(text)));

describe.each([
  ["from memory", () => bob],
  ["from the database", () => open().user("bob")],
])("a timeline that crosses a gap, %s,", (_, reader) => {
  test("begins behind it and leads into it", async () => {
    await say("old");
    await world.flush();
    const before = await bob.sync();
    await say("older");
    await world.flush();
    await miss(50, 10);
    const filter = { room: { timeline: { limit: 30 } } };
    for (const body of [
      await reader().sync(before.next_batch, { filter }),
      await reader().sync(undefined, { filter }),
    ]) {
      const { timeline } = joinedRoom(body, roomId);
      expect(bodies(timeline.events)).toEqual(numbers(40, 50));
      expect(timeline.limited).toBe(true);
      expect(timeline.events[0].event_id).toBe((await eventAt("40")).event_id);
      const back = await page(timeline.prev_batch, "b", 45);
      expect(bodiesOf(back.chunk).slice(0, 42)).toEqual([
        ...numbers(0, 40).toReversed(),
        "older",
        "old",
      ]);
    }
  });

  test("does so after the gap was filled, too", async () => {
    await say("old");
    await world.flush();
    const before = await bob.sync();
    await miss(20, 5);
    const { timeline: first } = joinedRoom(await bob.sync(before.next_batch), roomId);
    await page(first.prev_batch, "b", 50);
    const { timeline } = joinedRoom(await reader().sync(before.next_batch), roomId);
    expect(bodies(timeline.events)).toEqual(numbers(15, 20));
    expect(timeline.limited).toBe(true);
    const back = await page(timeline.prev_batch, "b", 16);
    expect(bodiesOf(back.chunk)).toEqual([...numbers(0, 15).toReversed(), "old"]);
  });

  test("begins behind the newest of two", async () => {
    await say("old");
    await world.flush();
    const before = await bob.sync();
    await miss(20, 3);
    await miss(30, 4);
    const filter = { room: { timeline: { limit: 50 } } };
    const { timeline } = joinedRoom(await reader().sync(before.next_batch, { filter }), roomId);
    expect(bodies(timeline.events)).toEqual(numbers(26, 30));
    expect(timeline.limited).toBe(true);
    const back = await page(timeline.prev_batch, "b", 60);
    expect(bodiesOf(back.chunk).slice(0, 47)).toEqual([
      ...numbers(0, 26).toReversed(),
      ...numbers(0, 20).toReversed(),
      "old",
    ]);
  });

  test("tells state that changed in the gap, and counts what came", async () => {
    const before = await bob.sync();
    await world.lose(async () => {
      for (const name of ["hidden", "in the gap"]) {
        await a.rooms.send.state({
          ...{ by: alice, roomId, type: "m.room.name", stateKey: "", content: { name } },
        });
      }
    });
    await say("one");
    world.pretend(a, "missingEvents", async () => ({ events: [] }));
    await world.flush();
    await a.rooms.send.state({
      ...{ by: alice, roomId, type: "m.room.name", stateKey: "", content: { name: "later" } },
    });
    await world.flush();
    const room = joinedRoom(await reader().sync(before.next_batch), roomId);
    const names = (events: Body[]) =>
      events.filter(({ type }) => type === "m.room.name").map(({ content }) => content.name);
    expect(names(room.state.events)).toEqual(["in the gap"]);
    expect(names(room.timeline.events)).toEqual(["later"]);
    expect(room.timeline.limited).toBe(true);
    expect(room.unread_notifications.notification_count).toBe(1);
  });
});

async function eventAt(body: string): Promise<Body> {
  const { chunk } = await b.rooms.history.messages(bob.by, roomId, { dir: "b", limit: 100 });
  return chunk.map((text) => JSON.parse(text)).find((event) => event.content.body === body);
}

test("a room that was joined through another server is limited, however little was said since", async () => {
  const { timeline } = joinedRoom(await open().user("bob").sync(), roomId);
  expect(timeline.limited).toBe(true);
  const back = await page(timeline.prev_batch, "b", 50);
  expect(back.chunk.map((text) => JSON.parse(text).type)).toContain("m.room.create");
  expect(await page(back.end!, "b", 50)).toMatchObject({ chunk: [], start: back.end });
});

describe("while nobody can fill a gap", () => {
  beforeEach(async () => {
    await say("old");
    await world.flush();
    await miss(20, 5);
    world.cut(a, b);
  });

  test("a page ends at it, whichever way it is read, and goes on beyond it only when asked to", async () => {
    const newest = await page(`s${b.log.position}_0`, "b", 50);
    expect(bodiesOf(newest.chunk)).toEqual(numbers(15, 20).toReversed());
    expect(newest.end).toBeDefined();
    const beyond = await page(newest.end!, "b", 3);
    expect(bodiesOf(beyond.chunk)).toContain("old");
    const forth = await page(beyond.end!, "f", 50);
    expect(bodiesOf(forth.chunk).at(-1)).toBe("old");
    expect(forth.end).toBeDefined();
    expect(bodiesOf((await page(forth.end!, "f", 50)).chunk)).toEqual(numbers(15, 20));
    world.heal();
    const filled = await page(newest.end!, "b", 16);
    expect(bodiesOf(filled.chunk)).toEqual([...numbers(0, 15).toReversed(), "old"]);
    const whole = await page(forth.end!, "f", 50);
    expect(bodiesOf(whole.chunk)).toEqual(numbers(0, 20));
  });

  test("an event's context ends at it", async () => {
    const first = (await eventAt("15")).event_id;
    const context = await b.rooms.history.context(bob.by, roomId, first, { limit: 10 });
    expect(bodiesOf(context.events_before)).toEqual([]);
    expect(bodiesOf(context.events_after)).toEqual(numbers(16, 20));
    const second = (await eventAt("16")).event_id;
    const near = await b.rooms.history.context(bob.by, roomId, second, { limit: 10 });
    expect(bodiesOf(near.events_before)).toEqual(["15"]);
    world.heal();
    const back = await page(near.start, "b", 16);
    expect(bodiesOf(back.chunk)).toEqual([...numbers(0, 15).toReversed(), "old"]);
  });
});

test("an event alone is shown without asking others for what is missing before it", async () => {
  await miss(20, 5);
  let asked = 0;
  world.pretend(a, "backfill", (honest) => {
    asked += 1;
    return honest();
  });
  const { chunk } = await b.rooms.history.messages(bob.by, roomId, { dir: "b", limit: 1 });
  const newest = JSON.parse(chunk[0]!).event_id;
  const alone = await b.rooms.history.context(bob.by, roomId, newest, { limit: 0 });
  expect([alone.events_before, alone.events_after, asked]).toEqual([[], [], 0]);
  const back = await page(alone.start, "b", 20);
  expect(bodiesOf(back.chunk)).toEqual(numbers(0, 19).toReversed());
  expect(asked).toBeGreaterThan(0);
});

test("who has read in the history of a gap has not read what came behind it", async () => {
  const before = await bob.sync();
  await miss(20, 5);
  const { timeline } = joinedRoom(await bob.sync(before.next_batch), roomId);
  await page(timeline.prev_batch, "b", 50);
  await bob.read(roomId, (await eventAt("14")).event_id);
  const { unread_notifications: counts } = joinedRoom(await open().user("bob").sync(), roomId);
  expect(counts.notification_count).toBe(5);
});
