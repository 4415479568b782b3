import { afterAll, beforeAll, expect, test } from "vitest";
import { createWorld } from "./world.ts";
import type { TestServer, World } from "./world.ts";

let world: World;
let one: TestServer;
let two: TestServer;

beforeAll(async () => {
  world = createWorld();
  one = await world.server("hq.test");
  two = await world.replica(one);
});
afterAll(() => world.close());

test("two replicas send into one room at once: one line of history, nothing lost", async () => {
  const alice = one.user("alice");
  const roomId = await one.rooms.create.room(alice, {});
  const send = (server: TestServer, i: number) =>
    server.rooms.send.message({
      by: alice,
      roomId,
      type: "m.room.message",
      content: { body: `${i} by ${server === one ? "one" : "two"}` },
      txnId: `${i}-${server === one ? 1 : 2}`,
    });
  const ids = await Promise.all(
    Array.from({ length: 40 }, (_, i) => [send(one, i), send(two, i)]).flat(),
  );
  expect(new Set(ids).size).toBe(80);
  const stored = await one.rooms.view.eventsById(ids);
  const parents = [...stored.values()].flatMap(({ event }) => event.prevEventIds);
  expect(new Set(parents).size).toBe(80);
});

test("a transaction id is known to both replicas", async () => {
  const alice = one.user("alice");
  const roomId = await one.rooms.create.room(alice, {});
  const message = {
    by: alice,
    roomId,
    type: "m.room.message",
    content: { body: "once" },
    txnId: "t",
  };
  const ids = await Promise.all([one.rooms.send.message(message), two.rooms.send.message(message)]);
  expect(ids[0]).toBe(ids[1]);
});

test("what one replica does to members and state the other sees", async () => {
  const alice = one.user("alice");
  const roomId = await one.rooms.create.room(alice, { preset: "public_chat" });
  const room = await two.rooms.view.room(roomId);
  const bob = one.user("bob");
  expect(await two.rooms.view.membership(room!.nid, bob.userId)).toBeUndefined();
  await two.rooms.members.join({ by: bob, room: roomId });
  await expect.poll(() => one.log.position).toBe(two.log.position);
  const row = await one.rooms.view.membership(room!.nid, bob.userId);
  expect(row?.membership).toBe("join");
  await one.rooms.members.kick({ by: alice, roomId, userId: bob.userId });
  await expect.poll(() => two.log.position).toBe(one.log.position);
  await expect(
    two.rooms.send.message({
      by: bob,
      roomId,
      type: "m.room.message",
      content: { body: "still here" },
    }),
  ).rejects.toMatchObject({ status: 403 });
});
