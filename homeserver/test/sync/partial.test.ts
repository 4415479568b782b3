import { afterAll, beforeAll, expect, test } from "vitest";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import { createWorld } from "../rooms/support/world.ts";
import type { TestServer, World } from "../rooms/support/world.ts";
import { parseSlidingBody } from "../../src/sync/index.ts";
import type { Body } from "../support/user.ts";
import { syncOn } from "./support.ts";

/** So many that the joiner is told the state without them. */
const MEMBERS = 510;
const LAZY = { filter: { room: { state: { lazy_load_members: true } } } };

let world: World;
let a: TestServer;
let b: TestServer;
let roomId: RoomId;
let stop: () => Promise<void>;
let bob: ReturnType<ReturnType<typeof syncOn>["user"]>;
let slide: (pos: string | undefined, timeout?: number) => Promise<Body>;

beforeAll(async () => {
  world = createWorld();
  a = await world.server("a.test");
  b = await world.server("b.test");
  roomId = await a.rooms.create.room(a.user("alice"), { preset: "public_chat", name: "Big" });
  await Promise.all(
    Array.from({ length: MEMBERS }, (_, i) =>
      a.rooms.members.join({ by: a.user(`user${i}`), room: roomId }),
    ),
  );
  world.reset();
  const on = syncOn({ log: b.log, rooms: b.rooms, sql: b.db.sql, serverName: b.name });
  bob = on.user("bob");
  slide = async (pos, timeout = 0) => {
    const list = { timeline_limit: 1, required_state: [["m.room.member", "*"]] };
    const text = await on.sync.sliding({
      ...{ userId: bob.userId, deviceId: "SLIDING", pos, timeout },
      body: parseSlidingBody({ lists: { all: list } }, bob.userId),
      signal: () => new AbortController().signal,
    });
    return JSON.parse(text);
  };
  stop = async () => {
    on.sync.stop();
    await on.ephemeral.stop();
  };
}, 120_000);
afterAll(async () => {
  await stop();
  await world.close();
});

const typesOf = (events: { type: string }[]) => events.map(({ type }) => type);

test("lazy clients see a room while its members are fetched, others once they are known", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  world.pretend(a, "joinedState", async (honest) => {
    await promise;
    return honest();
  });
  const before = await bob.sync();
  const slidingBefore = await slide(undefined);
  const lazyBefore = await bob.sync(undefined, { ...LAZY, device: "LAZY" });
  await b.rooms.members.join({ by: bob.by, room: roomId, via: [a.name] });
  const said = { by: a.user("user7"), roomId, type: "m.room.message", content: { body: "hi" } };
  await a.rooms.send.message(said);
  await world.flush();

  const lazy = await bob.sync(lazyBefore.next_batch, { ...LAZY, device: "LAZY" });
  const shown = lazy.rooms.join[roomId];
  expect(typesOf(shown.timeline.events)).toContain("m.room.message");
  expect(typesOf(shown.state.events)).toContain("m.room.name");
  // Whom one shares it with is not known yet.
  expect(lazy).not.toHaveProperty("device_lists");
  const senders = shown.state.events.flatMap((event: { type: string; state_key: string }) =>
    event.type === "m.room.member" ? event.state_key : [],
  );
  expect(senders).toContain(a.user("user7").userId);
  const eager = await bob.sync(before.next_batch);
  expect(eager.rooms?.join?.[roomId]).toBeUndefined();
  expect((await bob.sync()).rooms?.join?.[roomId]).toBeUndefined();

  const sliding = await slide(slidingBefore.pos);
  expect(sliding.rooms[roomId]).toMatchObject({ initial: true, name: "Big", membership: "join" });

  const waiting = bob.sync(eager.next_batch, { timeout: 30_000 });
  const slidingWaits = slide(sliding.pos, 30_000);
  resolve();
  await b.rooms.history.joinedMembers(bob.userId, roomId);
  const slidingAfter = (await slidingWaits).rooms[roomId];
  expect(slidingAfter).toMatchObject({ initial: true, joined_count: MEMBERS + 2 });
  expect(slidingAfter.required_state).toHaveLength(MEMBERS + 2);
  const { device_lists: lists, ...body } = await waiting;
  expect(lists.changed).toHaveLength(MEMBERS + 1);
  expect(lists.changed).toContain(a.user("alice").userId);
  const whole = body.rooms.join[roomId];
  const members = [...whole.state.events, ...whole.timeline.events].filter(
    ({ type }: { type: string }) => type === "m.room.member",
  );
  expect(members).toHaveLength(MEMBERS + 2);
  expect(whole.timeline.limited).toBe(true);

  const user8 = { ...said, by: a.user("user8") };
  await a.rooms.send.message(user8);
  await world.flush();
  const lazyLater = await bob.sync(lazy.next_batch, { ...LAZY, device: "LAZY" });
  expect(lazyLater.device_lists).toEqual(lists);
  const later = lazyLater.rooms.join[roomId];
  expect(typesOf(later.timeline.events)).toEqual(["m.room.message"]);
  expect(later.state.events.length).toBeLessThanOrEqual(1);
  const after = await bob.sync(body.next_batch);
  expect(after).not.toHaveProperty("device_lists");
  const next = after.rooms.join[roomId];
  expect(typesOf(next.timeline.events)).toEqual(["m.room.message"]);
  expect(next.state.events).toEqual([]);
}, 180_000);
