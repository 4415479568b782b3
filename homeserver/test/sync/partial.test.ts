import { afterAll, beforeAll, expect, test } from "vitest";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import { createWorld } from "../rooms/support/world.ts";
import type { TestServer, World } from "../rooms/support/world.ts";
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
  const lazyBefore = await bob.sync(undefined, { ...LAZY, device: "LAZY" });
  await b.rooms.members.join({ by: bob.by, room: roomId, via: [a.name] });
  const said = { by: a.user("user7"), roomId, type: "m.room.message", content: { body: "hi" } };
  await a.rooms.send.message(said);
  await world.flush();

  const lazy = await bob.sync(lazyBefore.next_batch, { ...LAZY, device: "LAZY" });
  const shown = lazy.rooms.join[roomId];
  expect(typesOf(shown.timeline.events)).toContain("m.room.message");
  expect(typesOf(shown.state.events)).toContain("m.room.name");
  const senders = shown.state.events.flatMap((event: { type: string; state_key: string }) =>
    event.type === "m.room.member" ? event.state_key : [],
  );
  expect(senders).toContain(a.user("user7").userId);
  const eager = await bob.sync(before.next_batch);
  expect(eager.rooms?.join?.[roomId]).toBeUndefined();
  expect((await bob.sync()).rooms?.join?.[roomId]).toBeUndefined();

  const waiting = bob.sync(eager.next_batch, { timeout: 30_000 });
  resolve();
  await b.rooms.history.joinedMembers(bob.userId, roomId);
  const whole = (await waiting).rooms.join[roomId];
  const members = [...whole.state.events, ...whole.timeline.events].filter(
    ({ type }: { type: string }) => type === "m.room.member",
  );
  expect(members).toHaveLength(MEMBERS + 2);
  expect(whole.timeline.limited).toBe(true);

  const user8 = { ...said, by: a.user("user8") };
  await a.rooms.send.message(user8);
  await world.flush();
  const later = (await bob.sync(lazy.next_batch, { ...LAZY, device: "LAZY" })).rooms.join[roomId];
  expect(typesOf(later.timeline.events)).toEqual(["m.room.message"]);
  expect(later.state.events.length).toBeLessThanOrEqual(1);
  const next = (await bob.sync((await waiting).next_batch)).rooms.join[roomId];
  expect(typesOf(next.timeline.events)).toEqual(["m.room.message"]);
  expect(next.state.events).toEqual([]);
}, 180_000);
