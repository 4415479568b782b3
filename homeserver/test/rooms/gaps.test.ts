/** Reading across history that this server lacks, and finding events in it by their time. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { EventId, RoomId } from "../../src/protocol/identifiers.ts";
import type { Actor } from "../../src/rooms/index.ts";
import { createWorld } from "./world.ts";
import type { TestServer, World } from "./world.ts";

let world: World;
let a: TestServer;
let b: TestServer;
let c: TestServer;
let alice: Actor;
let bob: Actor;
let carol: Actor;

beforeAll(async () => {
  world = createWorld();
  [a, b, c] = [
    await world.server("a.test"),
    await world.server("b.test"),
    await world.server("c.test"),
  ];
  [alice, bob, carol] = [a.user("alice"), b.user("bob"), c.user("carol")];
});
beforeEach(() => world.reset());
afterAll(() => world.close());

const openRoom = () => a.rooms.create.room(alice, { preset: "public_chat" });
/** What was said before is not on its way to who joins. */
function join(on: TestServer, by: Actor, room: RoomId): Promise<RoomId> {
  world.reset();
  return on.rooms.members.join({ by, room, via: [a.name] });
}

let clock = 1_700_000_000_000;

/** A minute after the one before. */
const say = (roomId: RoomId, body: string): Promise<EventId> =>
  a.rooms.send.message({
    by: alice,
    roomId,
    type: "m.room.message",
    content: { body },
    originServerTs: (clock += 60_000),
  });

async function many(roomId: RoomId, from: number, to: number): Promise<EventId[]> {
  const ids: EventId[] = [];
  for (let i = from; i < to; i++) ids.push(await say(roomId, `${i}`));
  return ids;
}

interface Read {
  readonly bodies: string[];
  /** The last page's token. */
  readonly end: string | undefined;
}

/** Reads until there is no end, or it is where the page began. */
async function readAll(
  on: TestServer,
  by: Actor,
  roomId: RoomId,
  options: { from?: string | undefined; dir?: "b" | "f" } = {},
): Promise<Read> {
  const { dir = "b" } = options;
  const bodies: string[] = [];
  let { from } = options;
  for (;;) {
    const page = await on.rooms.history.messages(by, roomId, { dir, limit: 50, from });
    bodies.push(...page.chunk.flatMap((text) => JSON.parse(text).content.body ?? []));
    if (page.end === undefined || page.end === from) return { bodies, end: page.end };
    from = page.end;
  }
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${from + i}`);

describe("reading back", () => {
  test("ends with a token at a gap that nobody can fill now, and goes on from there later", async () => {
    const roomId = await openRoom();
    await many(roomId, 0, 20);
    await join(b, bob, roomId);
    await world.flush();
    world.cut(a, b);
    const cut = await readAll(b, bob, roomId);
    expect(cut.bodies).toEqual([]);
    expect(cut.end).toBeDefined();
    world.heal();
    const rest = await readAll(b, bob, roomId, { from: cut.end });
    expect(rest.bodies.toReversed()).toEqual(numbers(0, 20));
    expect(rest.end).toBeUndefined();
  });

  test("asks the next server when one is away or has nothing to give", async () => {
    const roomId = await openRoom();
    await many(roomId, 0, 30);
    await join(c, carol, roomId);
    await world.flush();
    await readAll(c, carol, roomId); // c has all of it
    await join(b, bob, roomId);
    await world.flush();
    world.cut(a, b);
    world.reset();
    world.cut(a, b);
    const read = await readAll(b, bob, roomId);
    expect(read.bodies.toReversed()).toEqual(numbers(0, 30));
    expect(read.end).toBeUndefined();
  });

  test("asks a bounded number of times for one request", async () => {
    const roomId = await openRoom();
    for (let i = 0; i < 620; i++) await say(roomId, `${i}`);
    await join(b, bob, roomId);
    await world.flush();
    world.reset();
    const page = await b.rooms.history.messages(bob, roomId, { dir: "b", limit: 1_000 });
    expect(world.calls.get("backfill")).toBeLessThanOrEqual(5);
    expect(page.end).toBeDefined();
    const first = page.chunk.flatMap((text) => JSON.parse(text).content.body ?? []);
    const rest = await readAll(b, bob, roomId, { from: page.end });
    expect([...first, ...rest.bodies].toReversed()).toEqual(numbers(0, 620));
  }, 180_000);

  test("tells the same events forwards once they are here", async () => {
    const roomId = await openRoom();
    await many(roomId, 0, 120);
    await join(b, bob, roomId);
    await world.flush();
    const back = await readAll(b, bob, roomId);
    const forth = await readAll(b, bob, roomId, { dir: "f" });
    expect(forth.bodies).toEqual(back.bodies.toReversed());
  });
});

describe("the event closest to a moment", () => {
  const at = (on: TestServer, by: Actor, roomId: RoomId, ts: number, dir: "f" | "b") =>
    on.rooms.history.closestTo(by, roomId, { ts, dir });

  test("is found either way, the moment itself included, within what the reader may see", async () => {
    const roomId = await openRoom();
    const ids = await many(roomId, 0, 5);
    const last = clock;
    expect(await at(a, alice, roomId, last - 60_000, "f")).toEqual({
      eventId: ids[3],
      originServerTs: last - 60_000,
    });
    expect((await at(a, alice, roomId, last - 90_000, "f")).eventId).toBe(ids[3]);
    expect((await at(a, alice, roomId, last - 90_000, "b")).eventId).toBe(ids[2]);
    await expect(at(a, alice, roomId, 1, "b")).rejects.toMatchObject({ errcode: "M_NOT_FOUND" });
    await expect(at(a, a.user("eve"), roomId, 1, "f")).rejects.toMatchObject({ status: 403 });
    expect((await at(a, alice, roomId, 1e300, "b")).eventId).toBeDefined();
  });

  test("is asked of another server where history is missing, and stands in its place then", async () => {
    const roomId = await openRoom();
    const ids = await many(roomId, 0, 400);
    const [first, last] = [clock - 399 * 60_000, clock];
    await join(b, bob, roomId);
    await world.flush();
    world.reset();
    // From the middle outwards: what is between is still missing.
    for (const n of [200, 300, 100]) {
      const found = await at(b, bob, roomId, first + n * 60_000, "f");
      expect(found).toEqual({ eventId: ids[n], originServerTs: first + n * 60_000 });
      const context = await b.rooms.history.context(bob, roomId, ids[n]!, { limit: 10 });
      const before = context.events_before.map((text) => JSON.parse(text).content.body);
      expect(before).toEqual(numbers(n - 5, n).toReversed());
    }
    expect((await at(b, bob, roomId, last, "b")).eventId).toBe(ids[399]);
    const read = await readAll(b, bob, roomId);
    expect(read.bodies.toReversed()).toEqual(numbers(0, 400));
    // All of it is here now: nobody is asked.
    world.reset();
    expect((await at(b, bob, roomId, first + 50 * 60_000, "f")).eventId).toBe(ids[50]);
    expect(world.calls.size).toBe(0);
  }, 180_000);

  test("leads forwards over the gap behind it", async () => {
    const roomId = await openRoom();
    const ids = await many(roomId, 0, 150);
    const first = clock - 149 * 60_000;
    await join(b, bob, roomId);
    await world.flush();
    await at(b, bob, roomId, first + 20 * 60_000, "f");
    const { end } = await b.rooms.history.context(bob, roomId, ids[20]!, { limit: 0 });
    const read = await readAll(b, bob, roomId, { dir: "f", from: end });
    expect(read.bodies).toEqual(numbers(21, 150));
  });

  test("is the local one when the others are away, or lie", async () => {
    const roomId = await openRoom();
    const ids = await many(roomId, 0, 10);
    const first = clock - 9 * 60_000;
    await join(b, bob, roomId);
    await world.flush();
    world.cut(a, b);
    const local = await at(b, bob, roomId, first, "f");
    expect(ids).not.toContain(local.eventId);
    world.heal();
    expect((await at(b, bob, roomId, first, "f")).eventId).toBe(ids[0]);
  });
});
