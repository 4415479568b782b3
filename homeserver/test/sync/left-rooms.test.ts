/** Rooms that somebody leaves, is put out of, or comes back to. */
import { expect, test } from "vitest";
import { joinedRoom, leftRoom, texts } from "./support.ts";
import { alice, bob, join, leave, membersIn, room, state, types, world } from "./three-users.ts";

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
