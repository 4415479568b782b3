import { describe, expect, test } from "vitest";
import { alice, bob, bodies, hq, roomWith, say } from "./one-server.ts";

describe("history visibility", () => {
  test.each([
    ["shared", ["before", "invited", "in"]],
    ["invited", ["invited", "in"]],
    ["joined", ["in"]],
  ])("%s shows a joined member what it should", async (visibility, expected) => {
    const roomId = await roomWith(visibility);
    await say(alice, roomId, "before");
    await hq.rooms.members.invite({ by: alice, roomId, userId: bob.userId });
    await say(alice, roomId, "invited");
    await hq.rooms.members.join({ by: bob, room: roomId });
    await say(alice, roomId, "in");
    expect(await bodies(bob, roomId)).toEqual(expected);
  });

  test("who left reads up to the leave, and state as of then", async () => {
    const roomId = await roomWith("shared");
    await say(alice, roomId, "one");
    await hq.rooms.members.join({ by: bob, room: roomId });
    await hq.rooms.members.leave({ by: bob, roomId });
    await say(alice, roomId, "two");
    await hq.rooms.send.state({
      by: alice,
      roomId,
      type: "m.room.name",
      stateKey: "",
      content: { name: "after" },
    });
    expect(await bodies(bob, roomId)).toEqual(["one"]);
    const state = await hq.rooms.history.state(bob.userId, roomId);
    expect(state.some(({ event }) => event.type === "m.room.name")).toBe(false);
    await expect(hq.rooms.history.joinedMembers(bob.userId, roomId)).rejects.toMatchObject({
      status: 403,
    });
  });

  test("world_readable lets anyone read; otherwise strangers get M_FORBIDDEN", async () => {
    const open = await roomWith("world_readable");
    await say(alice, open, "hello");
    const eve = hq.user("eve");
    expect(await bodies(eve, open)).toEqual(["hello"]);
    const closed = await roomWith("shared");
    await expect(bodies(eve, closed)).rejects.toMatchObject({ errcode: "M_FORBIDDEN" });
    const eventId = await say(alice, closed, "secret");
    await expect(hq.rooms.history.event(eve, closed, eventId)).rejects.toMatchObject({
      errcode: "M_NOT_FOUND",
    });
  });
});

describe("members and state", () => {
  test("are given as of a token, and filtered by membership", async () => {
    const roomId = await roomWith("shared");
    const page = await hq.rooms.history.messages(alice, roomId, { dir: "b", limit: 1 });
    await hq.rooms.members.join({ by: bob, room: roomId });
    const then = await hq.rooms.history.members(alice.userId, roomId, { at: page.start });
    expect(then.map(({ event }) => event.stateKey)).toEqual([alice.userId]);
    await hq.rooms.members.leave({ by: bob, roomId });
    const joined = await hq.rooms.history.members(alice.userId, roomId, { membership: "join" });
    expect(joined.map(({ event }) => event.stateKey)).toEqual([alice.userId]);
    const left = await hq.rooms.history.members(alice.userId, roomId, { notMembership: "join" });
    expect(left.map(({ event }) => event.stateKey)).toEqual([bob.userId]);
  });

  test("are those in front of a token, and not given to who could not see the room then", async () => {
    const roomId = await roomWith("joined");
    const { members } = hq.rooms.history;
    await say(alice, roomId, "among us");
    const early = await hq.rooms.history.messages(alice, roomId, { dir: "b", limit: 1 });
    const joined = await hq.rooms.members.join({ by: bob, room: roomId });
    const [own] = (await hq.rooms.history.messages(alice, joined, { dir: "b", limit: 1 })).chunk;
    const { start } = await hq.rooms.history.context(bob, roomId, JSON.parse(own!).event_id, {
      limit: 0,
    });
    const before = await members(alice.userId, roomId, { at: start });
    expect(before.map(({ event }) => event.stateKey)).toEqual([alice.userId]);
    await expect(members(bob.userId, roomId, { at: early.start })).rejects.toMatchObject({
      errcode: "M_FORBIDDEN",
    });
    // In front of the room: before its history was hidden from those who came later.
    for (const reader of [alice, bob]) {
      const first = await members(reader.userId, roomId, { at: "s0_0" });
      expect(first.map(({ event }) => event.stateKey)).toEqual([alice.userId]);
    }
    await hq.rooms.members.leave({ by: bob, roomId });
    await hq.rooms.members.invite({ by: alice, roomId, userId: hq.user("late").userId });
    const now = await hq.rooms.history.messages(alice, roomId, { dir: "b", limit: 1 });
    const then = await members(bob.userId, roomId, { at: now.start });
    expect(then.map(({ event }) => event.stateKey)).not.toContain("@late:hq.test");
  });

  test("differ between two roots by what changed", async () => {
    const roomId = await roomWith("shared");
    const room = await hq.rooms.view.room(roomId);
    const before = hq.log.position;
    await hq.rooms.members.join({ by: bob, room: roomId });
    await say(bob, roomId, "no change");
    const nid = room!.nid;
    const from = await hq.rooms.view.rootAt(nid, before);
    const to = await hq.rooms.view.rootAt(nid, hq.log.position);
    const delta = await hq.rooms.view.stateDelta(from, to);
    expect(delta.changed.map(({ event }) => event.stateKey)).toEqual([bob.userId]);
    expect(delta.removed).toEqual([]);
  });

  test("are summed up with heroes", async () => {
    const roomId = await roomWith("shared");
    const room = await hq.rooms.view.room(roomId);
    await hq.rooms.members.join({ by: bob, room: roomId });
    await hq.rooms.members.invite({ by: alice, roomId, userId: hq.user("carol").userId });
    expect(await hq.rooms.view.summary(room!.nid, alice.userId)).toEqual({
      joined: 2,
      invited: 1,
      heroes: [bob.userId, hq.user("carol").userId],
    });
  });
});
