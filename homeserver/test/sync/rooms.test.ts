/** What of a room sync shows to whom: state that the timeline hides, gaps, rooms left and come back to. */
import { expect, test } from "vitest";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import type { Body } from "../support/user.ts";
import { joinedRoom, leftRoom, texts } from "./support.ts";
import { nextTurn } from "../support/wait.ts";
import {
  alice,
  bob,
  carol,
  join,
  leave,
  membersIn,
  room,
  state,
  types,
  world,
} from "./three-users.ts";

test("state that a timeline filter leaves out is in the state section, limited or not", async () => {
  const { roomId, since } = await room("shared", bob);
  for (let i = 0; i < 3; i += 1) await alice.send(roomId, `m${i}`);
  await state(alice, roomId, "m.room.topic", { topic: "Behind the first message" });
  await alice.send(roomId, "last");
  for (const limit of [2, 50]) {
    const filter = { room: { timeline: { types: ["m.room.message"], limit } } };
    const section = joinedRoom(await bob.sync(since, { filter }), roomId);
    expect(section.timeline.limited).toBe(limit === 2);
    expect(types(section.state.events)).toEqual(["m.room.topic"]);
    const initial = joinedRoom(await bob.sync(undefined, { filter }), roomId);
    expect(types(initial.state.events).filter((type) => type === "m.room.topic")).toHaveLength(1);
  }
});

test("state_after of an initial sync is the state at the timeline's end", async () => {
  const { roomId } = await room("shared", bob);
  await state(alice, roomId, "m.room.name", { name: "Now" });
  const section = joinedRoom(await bob.sync(undefined, { stateAfter: true }), roomId);
  const names = section.state_after.events.filter((e: Body) => e.type === "m.room.name");
  expect(names.map((e: Body) => e.content.name)).toEqual(["Now"]);
});

test("lazy loading sends the members that changed in a gap, with names of the timeline's senders", async () => {
  const { roomId, since } = await room("shared", bob);
  await join(carol, roomId);
  for (let i = 0; i < 4; i += 1) await alice.send(roomId, `m${i}`);
  const filter = { room: { state: { lazy_load_members: true }, timeline: { limit: 2 } } };
  const section = joinedRoom(await bob.sync(since, { filter }), roomId);
  expect(section.timeline.limited).toBe(true);
  expect(membersIn(section.state.events)).toContain(`${carol.userId} join`);
});

test("members of an answer that never arrived are sent again", async () => {
  const { roomId } = await room("shared", bob);
  const filter = { room: { state: { lazy_load_members: true }, timeline: { limit: 5 } } };
  await join(carol, roomId);
  // More members than heroes, so that Carol is none.
  for (const name of ["h1", "h2", "h3", "h4", "h5", "h6"]) await join(world.user(name), roomId);
  const quiet = world.user("quiet");
  await join(quiet, roomId);
  for (let i = 0; i < 6; i += 1) await alice.send(roomId, `m${i}`);
  const { next_batch: since } = await bob.sync(undefined, { filter });
  await quiet.send(roomId, "hello");
  const [lost, again] = [await bob.sync(since, { filter }), await bob.sync(since, { filter })];
  for (const body of [lost, again]) {
    expect(membersIn(joinedRoom(body, roomId).state.events)).toEqual([`${quiet.userId} join`]);
  }
  await quiet.send(roomId, "once more");
  const next = joinedRoom(await bob.sync(again.next_batch, { filter }), roomId);
  expect(membersIn(next.state.events)).toEqual([]);
});

test("an invite of somebody ignored is not shown, state of theirs is", async () => {
  const { roomId } = await room("shared", bob, carol);
  const { next_batch: since } = await bob.sync();
  world.ignored.set(bob.userId, new Set([carol.userId]));
  const own = await world.rooms.create.room(carol.by, { name: "Come here" });
  await world.rooms.members.invite({ by: carol.by, roomId: own, userId: bob.userId });
  await carol.send(roomId, "spam");
  await state(
    carol,
    roomId,
    "m.room.member",
    { membership: "join", displayname: "C" },
    carol.userId,
  );
  world.ephemeral.setTyping(roomId, carol.userId, 10_000);
  await carol.read(roomId, await alice.send(roomId, "mine"));
  const body = await bob.sync(since);
  expect(body.rooms.invite).toBeUndefined();
  const section = joinedRoom(body, roomId);
  expect(texts(section)).toEqual(["mine"]);
  expect(membersIn(section.timeline.events)).toEqual([`${carol.userId} join`]);
  const typing = section.ephemeral.events.filter((e: Body) => e.type === "m.typing");
  expect(typing.flatMap((e: Body) => e.content.user_ids)).toEqual([]);
  expect(section.ephemeral.events.filter((e: Body) => e.type === "m.receipt")).toEqual([]);
  world.ignored.clear();
});

test("a private receipt reaches its own user and nobody else", async () => {
  const { roomId } = await room("shared", bob, carol);
  const eventId = await alice.send(roomId, "read me");
  const [{ next_batch: bobs }, { next_batch: carols }] = [await bob.sync(), await carol.sync()];
  await bob.read(roomId, eventId, "m.read.private");
  expect(joinedRoom(await carol.sync(carols), roomId)).toBeUndefined();
  const receipt = joinedRoom(await bob.sync(bobs), roomId).ephemeral.events[0].content[eventId];
  expect(Object.keys(receipt)).toEqual(["m.read.private"]);
  const fresh = joinedRoom(await carol.sync(), roomId).ephemeral.events;
  expect(JSON.stringify(fresh)).not.toContain("private");
});

test("a room joined while a sync is under way comes with that answer or the next, whole", async () => {
  let { next_batch: since } = await bob.sync();
  const seen = new Map<string, string[]>();
  const rooms: RoomId[] = [];
  for (let i = 0; i < 10; i += 1) {
    rooms.push(await world.rooms.create.room(alice.by, { preset: "public_chat" }));
  }
  const joining = (async () => {
    for (const roomId of rooms) {
      await join(bob, roomId);
      await alice.send(roomId, "hello");
      await leave(bob, roomId);
      await join(bob, roomId);
    }
  })();
  let over = false;
  void joining.finally(() => (over = true));
  for (let last = false; !last;) {
    last = over;
    const body = await bob.sync(since);
    for (const roomId of rooms) {
      const section = joinedRoom(body, roomId) ?? leftRoom(body, roomId);
      const ids = (section?.timeline.events ?? []).map((e: Body) => e.event_id);
      seen.set(roomId, [...(seen.get(roomId) ?? []), ...ids]);
      expect(joinedRoom(body, roomId) && leftRoom(body, roomId)).toBeUndefined();
    }
    since = body.next_batch;
    await nextTurn();
  }
  await joining;
  for (const roomId of rooms) {
    const { chunk } = await world.rooms.history.messages(bob.by, roomId, { dir: "b", limit: 4 });
    const newest = chunk.map((text) => JSON.parse(text).event_id);
    expect(seen.get(roomId)).toEqual(expect.arrayContaining(newest));
  }
});

test("a summary is told when members change, also where a filter leaves their events out", async () => {
  const { roomId, since } = await room("shared", bob);
  await join(carol, roomId);
  const filter = { room: { timeline: { types: ["m.room.message"] }, state: { types: ["x"] } } };
  const changed = joinedRoom(await bob.sync(since, { filter }), roomId);
  expect(changed.summary).toMatchObject({ "m.joined_member_count": 3 });
  const next = (await bob.sync(since, { filter })).next_batch;
  await alice.send(roomId, "nobody came");
  expect(joinedRoom(await bob.sync(next, { filter }), roomId).summary).toBeUndefined();
});

test("who is invited sees the room as it was then, until they are in it", async () => {
  const { roomId } = await room("shared");
  await state(alice, roomId, "m.room.name", { name: "Then" });
  await world.rooms.members.invite({ by: alice.by, roomId, userId: bob.userId });
  await state(alice, roomId, "m.room.name", { name: "Now" });
  await state(alice, roomId, "m.room.topic", { topic: "For members" });
  const { events } = (await bob.sync()).rooms.invite[roomId].invite_state;
  const told = events.flatMap(({ content }: Body) => content.name ?? content.topic ?? []);
  expect(told).toEqual(["Then"]);
  expect(membersIn(events)).toEqual([`${bob.userId} invite`]);
});
