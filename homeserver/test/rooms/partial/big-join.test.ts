import { expect, test } from "vitest";
import type { TestServer } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

/** WEFT_TEST_THROUGHPUT=1 makes it a big room and prints figures. */
const MEMBERS = process.env["WEFT_TEST_THROUGHPUT"] ? 5_000 : 600;

const [world, a, b] = await startServers("a.test", "b.test");

function since(started: number): string {
  return `${((performance.now() - started) / 1_000).toFixed(2)} s`;
}

test("a room of many members is joined from another server, and written to", async () => {
  const alice = a.user("alice");
  const roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
  let started = performance.now();
  await Promise.all(
    Array.from({ length: MEMBERS }, (_, i) =>
      a.rooms.members.join({ by: a.user(`user${i}`), room: roomId }),
    ),
  );
  console.info(`${MEMBERS} local joins: ${since(started)}`);
  world.reset();

  started = performance.now();
  await b.rooms.members.join({ by: b.user("bob"), room: roomId, via: [a.name] });
  console.info(`remote join: ${since(started)}`);
  const members = await b.rooms.history.joinedMembers(b.user("bob").userId, roomId);
  expect(members.size).toBe(MEMBERS + 2);
  console.info(`all members: ${since(started)}`);

  started = performance.now();
  await b.rooms.send.message({
    by: b.user("bob"),
    roomId,
    type: "m.room.message",
    content: { body: "hello" },
  });
  await world.flush();
  console.info(`first message across: ${since(started)}`);
  const [newest] = (
    await a.rooms.history.timeline((await a.rooms.view.room(roomId))!.nid, { limit: 1 })
  ).events;
  expect(newest?.event.content.body).toBe("hello");
}, 120_000);

test("a name change in it costs a few nodes, a message none", async () => {
  const alice = a.user("alice");
  const [roomId] = await a.rooms.history.joinedRooms(alice.userId);
  const nodes = async () => {
    const [row] = await a.db.sql<{ bytes: number }[]>`
      SELECT coalesce(sum(length(data) + length(hash)), 0) AS bytes FROM state_nodes`;
    return row!.bytes;
  };
  const before = await nodes();
  const message = { by: alice, roomId: roomId!, type: "m.room.message", content: { body: "x" } };
  await a.rooms.send.message(message);
  expect(await nodes()).toBe(before);
  await a.rooms.send.state({
    by: alice,
    roomId: roomId!,
    type: "m.room.member",
    stateKey: alice.userId,
    content: { membership: "join", displayname: "Alice" },
  });
  expect((await nodes()) - before).toBeLessThan(4_096);
});

test("a fork in it is resolved without reading its members", async () => {
  const alice = a.user("alice");
  const [roomId] = await a.rooms.history.joinedRooms(alice.userId);
  world.cut(a, b);
  const topic = (server: TestServer, by: typeof alice, i: number) =>
    server.rooms.send.state({
      by,
      roomId: roomId!,
      type: "org.example.note",
      stateKey: `${i}`,
      content: { by: by.userId },
    });
  const levels = await a.rooms.history.stateEvent(alice.userId, roomId!, "m.room.power_levels", "");
  const bob = b.user("bob");
  world.heal();
  await a.rooms.send.state({
    by: alice,
    roomId: roomId!,
    type: "m.room.power_levels",
    stateKey: "",
    content: { ...levels.event.content, users: { [bob.userId]: 100 } },
  });
  await world.flush();
  world.cut(a, b);
  for (let i = 0; i < 25; i++) {
    await topic(a, alice, i);
    await topic(b, bob, i);
  }
  world.heal();
  const started = performance.now();
  await world.flush();
  console.info(`a fork of 25 state events on each side: ${since(started)}`);
  const notes = async (server: TestServer) => {
    const room = await server.rooms.view.room(roomId!);
    const state = await server.rooms.view.currentState(room!.nid, { types: ["org.example.note"] });
    return state.map(({ event }) => event.eventId).toSorted();
  };
  expect(await notes(b)).toEqual(await notes(a));
});
