import { expect, test } from "vitest";
import { type Body } from "../support/user.ts";
import { NO_KEYS } from "./support.ts";
import { alice, bob, bodies, filter, joined, path, publicRoom, server } from "./whole-server.ts";

test("an incremental sync tells what came since, once", async () => {
  const roomId = await publicRoom(alice);
  const first = await alice.sync();
  await alice.send(roomId, "one");
  await alice.send(roomId, "two");
  const next = await alice.sync({ since: first.next_batch });
  expect(bodies(joined(next, roomId))).toEqual(["one", "two"]);
  expect(joined(next, roomId).timeline.limited).toBe(false);
  expect(joined(next, roomId).state.events).toEqual([]);
  const after = await alice.sync({ since: next.next_batch });
  expect(joined(after, roomId)).toBeUndefined();
});

test("a long-poll answers as soon as something comes, and empty when the time is over", async () => {
  const roomId = await publicRoom(alice);
  const { next_batch: since } = await alice.sync();
  const waiting = alice.sync({ since, timeout: "10000" });
  await alice.send(roomId, "wake up");
  const body = await waiting;
  expect(bodies(joined(body, roomId))).toEqual(["wake up"]);
  const empty = await alice.sync({ since: body.next_batch, timeout: "50" });
  expect(empty).toEqual({ ...NO_KEYS, next_batch: expect.any(String) });
});

test("who joins gets the room's whole state and the newest events, limited", async () => {
  const roomId = await publicRoom(alice, { name: "Hall", topic: "All" });
  for (let i = 0; i < 15; i += 1) await alice.send(roomId, `m${i}`);
  const { next_batch: since } = await bob.sync();
  await bob.call("POST", path(roomId, "/join"), {});
  const room = joined(await bob.sync({ since }), roomId);
  expect(room.timeline.limited).toBe(true);
  expect(room.timeline.events).toHaveLength(10);
  const types = room.state.events.map((e: Body) => e.type);
  expect(types).toContain("m.room.create");
  expect(types).toContain("m.room.name");
  expect(room.summary["m.joined_member_count"]).toBe(2);
  // The room has a name: nobody need be named in its place.
  expect(room.summary).not.toHaveProperty("m.heroes");
});

test("a gap brings the state that changed in it, before the timeline", async () => {
  const roomId = await publicRoom(alice, { name: "Old" });
  const { next_batch: since } = await alice.sync();
  await alice.call("PUT", path(roomId, "/state/m.room.name/"), { name: "New" });
  for (let i = 0; i < 4; i += 1) await alice.send(roomId, `m${i}`);
  const query = { since, filter: filter({ room: { timeline: { limit: 2 } } }) };
  const room = joined(await alice.sync(query), roomId);
  expect(bodies(room)).toEqual(["m2", "m3"]);
  expect(room.timeline.limited).toBe(true);
  expect(room.state.events.map((e: Body) => e.content)).toEqual([{ name: "New" }]);
  const { chunk } = await alice.call(
    "GET",
    path(roomId, `/messages?dir=b&from=${room.timeline.prev_batch}&limit=3`),
  );
  expect(chunk.map((e: Body) => e.content.body ?? e.content.name)).toEqual(["m1", "m0", "New"]);
});

test.each(["use_state_after", "org.matrix.msc4222.use_state_after"])(
  "%s puts the state at the end of the timeline",
  async (parameter) => {
    const key = parameter.replace("use_", "");
    const roomId = await publicRoom(alice, { name: "Old" });
    const { next_batch: since } = await alice.sync({ [parameter]: "true" });
    await alice.call("PUT", path(roomId, "/state/m.room.name/"), { name: "New" });
    const room = joined(await alice.sync({ since, [parameter]: "true" }), roomId);
    expect(room.state).toBeUndefined();
    expect(room[key].events.map((e: Body) => e.content)).toEqual([{ name: "New" }]);
    expect(room.timeline.events.map((e: Body) => e.type)).toEqual(["m.room.name"]);
  },
);

test("full_state repeats the state of rooms in which nothing happened", async () => {
  const roomId = await publicRoom(alice, { name: "Quiet" });
  const { next_batch: since } = await alice.sync();
  const room = joined(await alice.sync({ since, full_state: "true" }), roomId);
  expect(room.state.events.some((e: Body) => e.content.name === "Quiet")).toBe(true);
  expect(room.timeline.events).toEqual([]);
});

test("lazy loading sends a member with the first event of theirs, and not again", async () => {
  const roomId = await publicRoom(alice);
  await bob.call("POST", path(roomId, "/join"), {});
  const lazy = filter({ room: { state: { lazy_load_members: true }, timeline: { limit: 1 } } });
  await alice.send(roomId, "hello");
  const first = await alice.sync({ filter: lazy });
  const members = (room: Body) =>
    room.state.events.filter((e: Body) => e.type === "m.room.member").map((e: Body) => e.state_key);
  // Herself, and Bob, who is a hero.
  expect(members(joined(first, roomId)).toSorted()).toEqual([alice.userId, bob.userId]);
  await bob.send(roomId, "hi");
  const next = await alice.sync({ since: first.next_batch, filter: lazy });
  expect(members(joined(next, roomId))).toEqual([]);
  const redundant = filter({
    room: {
      state: { lazy_load_members: true, include_redundant_members: true },
      timeline: { limit: 1 },
    },
  });
  await bob.send(roomId, "again");
  const again = await alice.sync({ since: next.next_batch, filter: redundant });
  expect(members(joined(again, roomId))).toEqual([bob.userId]);
});

test("a filter chooses types, and leaves the timeline unlimited when all was looked at", async () => {
  const roomId = await publicRoom(alice);
  const { next_batch: since } = await alice.sync();
  await alice.send(roomId, "not wanted");
  await alice.call("PUT", path(roomId, "/state/m.room.topic/"), { topic: "Wanted" });
  const only = filter({ room: { timeline: { types: ["m.room.topic"] } } });
  const room = joined(await alice.sync({ since, filter: only }), roomId);
  expect(room.timeline.events.map((e: Body) => e.type)).toEqual(["m.room.topic"]);
});

test("an invite comes with stripped state, and goes when it is refused", async () => {
  const roomId = (await alice.call("POST", "/createRoom", { name: "Secret" })).room_id;
  const { next_batch: since } = await bob.sync();
  await alice.call("POST", path(roomId, "/invite"), { user_id: bob.userId });
  const invited = await bob.syncUntil(since, (body) => body.rooms?.invite?.[roomId]);
  const stripped = invited.rooms.invite[roomId].invite_state.events;
  expect(stripped.some((e: Body) => e.content.name === "Secret")).toBe(true);
  expect(stripped.every((e: Body) => e.event_id === undefined)).toBe(true);
  await bob.call("POST", path(roomId, "/leave"), {});
  const refused = await bob.sync({ since: invited.next_batch });
  expect(refused.rooms.leave[roomId]).toBeDefined();
  expect(refused.rooms.invite).toBeUndefined();
});

test("who leaves is told so, sees nothing later, and forgets", async () => {
  const roomId = await publicRoom(alice);
  await bob.call("POST", path(roomId, "/join"), {});
  const { next_batch: since } = await bob.sync();
  await alice.send(roomId, "before");
  await bob.call("POST", path(roomId, "/leave"), {});
  await alice.send(roomId, "after");
  const left = await bob.sync({ since });
  expect(bodies(left.rooms.leave[roomId])).toEqual(["before"]);
  expect(left.rooms.join?.[roomId]).toBeUndefined();
  const withLeft = filter({ room: { include_leave: true } });
  const initial = await bob.sync({ filter: withLeft });
  expect(bodies(initial.rooms.leave[roomId])).toEqual(["before"]);
  await bob.call("POST", path(roomId, "/forget"), {});
  const forgotten = await bob.sync({ filter: withLeft });
  expect(forgotten.rooms.leave?.[roomId]).toBeUndefined();
});

test("a restart loses nothing: tokens go on", async () => {
  const roomId = await publicRoom(alice);
  await alice.send(roomId, "before");
  const { next_batch: since } = await alice.sync();
  await alice.send(roomId, "unseen");
  await server.stop();
  await server.restart();
  await alice.send(roomId, "after");
  const room = joined(await alice.sync({ since }), roomId);
  expect(bodies(room)).toEqual(["unseen", "after"]);
});

test("a token that nobody gave out is refused", async () => {
  const { status, body } = await alice.ask("GET", "/sync?since=nonsense");
  expect([status, body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
});
