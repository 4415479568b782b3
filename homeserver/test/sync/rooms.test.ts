/** What of a room sync shows to whom: state that the timeline hides, gaps, rooms left and come back to. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RoomId } from "../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import type { Body } from "../support/user.ts";
import {
  createSyncWorld,
  joinedRoom,
  leftRoom,
  type SyncUser,
  type SyncWorld,
  texts,
} from "./support.ts";
import { nextTurn } from "../support/wait.ts";

let world: SyncWorld;
let alice: SyncUser;
let bob: SyncUser;
let carol: SyncUser;

beforeAll(async () => {
  world = await createSyncWorld();
  [alice, bob, carol] = [world.user("alice"), world.user("bob"), world.user("carol")];
});
afterAll(() => world.close());

async function room(
  visibility: string,
  ...others: SyncUser[]
): Promise<{ roomId: RoomId; since: string }> {
  const roomId = await world.rooms.create.room(alice.by, {
    preset: "public_chat",
    initial_state: [
      {
        type: "m.room.history_visibility",
        state_key: "",
        content: { history_visibility: visibility },
      },
    ],
  });
  for (const other of others) await join(other, roomId);
  return { roomId, since: (await bob.sync()).next_batch };
}

const join = (who: SyncUser, roomId: RoomId) =>
  world.rooms.members.join({ by: who.by, room: roomId });
const leave = (who: SyncUser, roomId: RoomId) => world.rooms.members.leave({ by: who.by, roomId });
const state = (who: SyncUser, roomId: RoomId, type: string, content: JsonObject, stateKey = "") =>
  world.rooms.send.state({ by: who.by, roomId, type, stateKey, content });
const types = (events: Body[]): string[] => events.map((e) => e.type);
const membersIn = (events: Body[]): string[] =>
  events
    .filter((e) => e.type === "m.room.member")
    .map((e) => `${e.state_key} ${e.content.membership}`);

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

test.each([
  ["shared", ["before", "away", "back"]],
  ["invited", ["before", "back"]],
  ["joined", ["before", "back"]],
])(
  "who leaves and comes back within a gap sees what %s history lets them",
  async (visibility, expected) => {
    const { roomId, since } = await room(visibility, bob);
    await alice.send(roomId, "before");
    await leave(bob, roomId);
    await alice.send(roomId, "away");
    await state(alice, roomId, "m.room.topic", { topic: "Set while away" });
    await join(bob, roomId);
    await alice.send(roomId, "back");
    const body = await bob.sync(since);
    const section = joinedRoom(body, roomId);
    expect(texts(section)).toEqual(expected);
    const all = [...section.state.events, ...section.timeline.events];
    expect(types(all)).toContain("m.room.topic");
    expect(leftRoom(body, roomId)).toBeUndefined();
  },
);

test("who joins and leaves within a gap is told what was said while they were in", async () => {
  const { roomId, since } = await room("joined");
  await alice.send(roomId, "before");
  await join(bob, roomId);
  await alice.send(roomId, "inside");
  await leave(bob, roomId);
  await alice.send(roomId, "after");
  await state(alice, roomId, "m.room.topic", { topic: "After" });
  const section = leftRoom(await bob.sync(since), roomId);
  expect(texts(section)).toEqual(["inside"]);
  expect(membersIn(section.timeline.events).at(-1)).toBe(`${bob.userId} leave`);
  expect(types([...section.state.events, ...section.timeline.events])).not.toContain(
    "m.room.topic",
  );
});

test("a refused or withdrawn invite ends with the event that says so, and shows nothing else", async () => {
  for (const end of ["refuse", "withdraw"]) {
    const roomId = await world.rooms.create.room(alice.by, { name: "Private" });
    await alice.send(roomId, "secret");
    await world.rooms.members.invite({ by: alice.by, roomId, userId: bob.userId });
    const { next_batch: since } = await bob.sync();
    if (end === "refuse") await leave(bob, roomId);
    else await world.rooms.members.kick({ by: alice.by, roomId, userId: bob.userId });
    const section = leftRoom(await bob.sync(since), roomId);
    expect(membersIn(section.timeline.events)).toEqual([`${bob.userId} leave`]);
    expect(section.timeline.events).toHaveLength(1);
    expect(section.state.events).toEqual([]);
  }
});

test("a ban of somebody who had left tells the ban and nothing of the time between", async () => {
  const { roomId } = await room("shared", bob);
  await leave(bob, roomId);
  const { next_batch: since } = await bob.sync();
  await alice.send(roomId, "secret");
  await world.rooms.members.ban({ by: alice.by, roomId, userId: bob.userId });
  await alice.send(roomId, "secret too");
  const section = leftRoom(await bob.sync(since), roomId);
  expect(membersIn(section.timeline.events)).toEqual([`${bob.userId} ban`]);
  expect(section.timeline.events).toHaveLength(1);
  expect(section.state.events).toEqual([]);
});

test("a room's history after a leave is not shown with the rooms left", async () => {
  const { roomId } = await room("world_readable", bob);
  await alice.send(roomId, "inside");
  await leave(bob, roomId);
  await alice.send(roomId, "after");
  const filter = { room: { include_leave: true } };
  const section = leftRoom(await bob.sync(undefined, { filter }), roomId);
  expect(texts(section)).toEqual(["inside"]);
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

test.each(["shared", "joined", "world_readable"])(
  "what was done to who had left shows nothing more of a room that is %s",
  async (visibility) => {
    for (const after of ["banned", "invited and refused"] as const) {
      const { roomId, since } = await room(visibility, bob);
      await alice.send(roomId, "in");
      await leave(bob, roomId);
      const now = (await bob.sync(since)).next_batch;
      await state(alice, roomId, "m.room.name", { name: "Hidden" });
      await alice.send(roomId, "out");
      const request = { by: alice.by, roomId, userId: bob.userId };
      if (after === "banned") await world.rooms.members.ban(request);
      else {
        await world.rooms.members.invite(request);
        await leave(bob, roomId);
      }
      const last = after === "banned" ? "ban" : "leave";
      const everything = { filter: { room: { include_leave: true } } };
      const limited = { filter: { room: { include_leave: true, timeline: { limit: 1 } } } };
      for (const body of [await bob.sync(since), await bob.sync(undefined, everything)]) {
        const left = leftRoom(body, roomId);
        expect(JSON.stringify(left)).not.toContain("Hidden");
        expect(texts(left)).toEqual(["in"]);
        expect(membersIn(left.timeline.events).slice(-2)).toEqual([
          `${bob.userId} leave`,
          `${bob.userId} ${last}`,
        ]);
      }
      const short = leftRoom(await bob.sync(since, limited), roomId).timeline;
      expect(short.limited).toBe(true);
      expect(membersIn(short.events)).toEqual([`${bob.userId} ${last}`]);
      // Who knew of the leave is told of the rest alone.
      const news = leftRoom(await bob.sync(now), roomId);
      expect(membersIn(news.timeline.events)).toEqual([`${bob.userId} ${last}`]);
      expect(news.state.events).toEqual([]);
    }
  },
);

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
