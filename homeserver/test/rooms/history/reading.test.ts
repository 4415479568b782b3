import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseEventFilter } from "../../../src/protocol/filter.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { createWorld } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

let world: World;
let hq: TestServer;
let alice: Actor;
let bob: Actor;

beforeAll(async () => {
  world = createWorld();
  hq = await world.server("hq.test");
  alice = hq.user("alice");
  bob = hq.user("bob");
});
afterAll(() => world.close());

async function roomWith(visibility: string): Promise<RoomId> {
  return hq.rooms.create.room(alice, {
    preset: "public_chat",
    initial_state: [
      { type: "m.room.history_visibility", content: { history_visibility: visibility } },
    ],
  });
}

async function say(by: Actor, roomId: RoomId, body: string): Promise<EventId> {
  return hq.rooms.send.message({ by, roomId, type: "m.room.message", content: { body } });
}

async function bodies(by: Actor, roomId: RoomId): Promise<string[]> {
  const page = await hq.rooms.history.messages(by, roomId, { dir: "b", limit: 100 });
  return page.chunk
    .map((text) => JSON.parse(text))
    .flatMap((event) => event.content.body ?? [])
    .toReversed();
}

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

describe("paging", () => {
  test("goes back and forth over the same events with the tokens it gives", async () => {
    const roomId = await roomWith("shared");
    for (let i = 0; i < 25; i++) await say(alice, roomId, `${i}`);
    const back: string[] = [];
    let from: string | undefined;
    do {
      const page = await hq.rooms.history.messages(alice, roomId, { dir: "b", limit: 7, from });
      back.push(...page.chunk.map((text) => JSON.parse(text).event_id));
      from = page.end;
    } while (from !== undefined);
    const forth: string[] = [];
    do {
      const page = await hq.rooms.history.messages(alice, roomId, { dir: "f", limit: 7, from });
      forth.push(...page.chunk.map((text) => JSON.parse(text).event_id));
      from = page.end;
    } while (from !== undefined);
    expect(back.toReversed()).toEqual(forth);
    expect(new Set(forth).size).toBe(forth.length);
    expect(forth).toHaveLength(30);
  });

  test("gives the context of an event, and filters it", async () => {
    const roomId = await roomWith("shared");
    const ids: EventId[] = [];
    for (let i = 0; i < 9; i++) ids.push(await say(alice, roomId, `${i}`));
    const context = await hq.rooms.history.context(alice, roomId, ids[4] as EventId, { limit: 4 });
    const bodiesOf = (texts: string[]) => texts.map((text) => JSON.parse(text).content.body);
    expect(JSON.parse(context.event).content.body).toBe("4");
    expect(bodiesOf(context.events_before)).toEqual(["3", "2"]);
    expect(bodiesOf(context.events_after)).toEqual(["5", "6"]);
    expect(context.state.length).toBeGreaterThan(4);
    const earlier = await hq.rooms.history.messages(alice, roomId, {
      dir: "b",
      from: context.start,
      limit: 1,
    });
    expect(bodiesOf(earlier.chunk)).toEqual(["1"]);
    const later = await hq.rooms.history.messages(alice, roomId, {
      dir: "f",
      from: context.end,
      limit: 1,
    });
    expect(bodiesOf(later.chunk)).toEqual(["7"]);
    const filter = parseEventFilter({ types: ["m.room.create"], lazy_load_members: true });
    const lazy = await hq.rooms.history.context(alice, roomId, ids[4] as EventId, { filter });
    expect(lazy.events_before).toEqual([]);
    expect(lazy.state.map((text) => JSON.parse(text).type)).toEqual(["m.room.create"]);
  });

  test("refuses tokens that are none of its own", async () => {
    const roomId = await roomWith("shared");
    await expect(
      hq.rooms.history.messages(alice, roomId, { dir: "b", from: "t1_2; DROP TABLE events" }),
    ).rejects.toMatchObject({ errcode: "M_INVALID_PARAM" });
  });
});

test("pages of a lazy client have their senders' member events, whichever way they are read", async () => {
  const roomId = await roomWith("shared");
  await say(alice, roomId, "one");
  await hq.rooms.members.join({ by: bob, room: roomId });
  await say(bob, roomId, "two");
  const filter = parseEventFilter({ types: ["m.room.message"], lazy_load_members: true });
  for (const dir of ["b", "f"] as const) {
    const page = await hq.rooms.history.messages(alice, roomId, { dir, filter });
    const members = page.state.map((text) => JSON.parse(text));
    expect(
      members.map((event) => `${event.state_key} ${event.content.membership}`).toSorted(),
    ).toEqual([`${alice.userId} join`, `${bob.userId} join`]);
  }
});

describe("tokens", () => {
  const messages = (roomId: RoomId, from: string) =>
    hq.rooms.history.messages(alice, roomId, { dir: "b", from });

  test("of another room, of another kind, made up or from the future are refused", async () => {
    const [here, there] = [await roomWith("shared"), await roomWith("shared")];
    const root = await say(alice, here, "root");
    for (const body of ["one", "two"]) {
      const relation = { rel_type: "m.thread", event_id: root };
      const content = { body, "m.relates_to": relation };
      const to = body === "one" ? root : await say(alice, here, "other root");
      await hq.rooms.send.message({
        ...{ by: alice, roomId: here, type: "m.room.message" },
        content: { ...content, "m.relates_to": { ...relation, event_id: to } },
      });
    }
    await hq.rooms.send.message({
      ...{ by: alice, roomId: here, type: "m.room.message" },
      content: { body: "more", "m.relates_to": { rel_type: "m.thread", event_id: root } },
    });
    const { end } = await hq.rooms.history.messages(alice, here, { dir: "b", limit: 1 });
    const { history } = hq.rooms;
    const relations = await history.relations(alice, here, root, { limit: 1 });
    const threads = await history.threads(alice, here, { limit: 1 });
    const refused = { errcode: "M_INVALID_PARAM", status: 400 };
    await messages(here, end!);
    await messages(here, `s${hq.log.position}_0`);
    for (const token of [
      ...[relations.next_batch!, threads.next_batch!],
      ...[
        `s${hq.log.position + 1_000}_0`,
        `t${hq.log.position + 1_000}_0`,
        "s1_0x",
        "s1 OR",
        "t1_5",
      ],
    ]) {
      await expect(messages(here, token)).rejects.toMatchObject(refused);
    }
    await expect(messages(there, end!)).rejects.toMatchObject(refused);
    await expect(
      history.threads(alice, here, { from: relations.next_batch }),
    ).rejects.toMatchObject(refused);
    await expect(
      history.relations(alice, there, await say(alice, there, "x"), { from: relations.next_batch }),
    ).rejects.toMatchObject(refused);
    await expect(history.members(alice.userId, there, { at: end! })).rejects.toMatchObject(refused);
  });

  test("lead to an empty page without an end at the beginning of a room", async () => {
    const roomId = await roomWith("shared");
    const all = await hq.rooms.history.messages(alice, roomId, { dir: "b", limit: 100 });
    const beyond = await messages(roomId, all.end!);
    expect(beyond).toMatchObject({ chunk: [], start: all.end });
    expect(beyond).not.toHaveProperty("end");
    const first = all.chunk.map((text) => JSON.parse(text).event_id).at(-1);
    const { start } = await hq.rooms.history.context(alice, roomId, first, { limit: 0 });
    expect(await messages(roomId, start)).toMatchObject({ chunk: [] });
    expect((await messages(roomId, start)).end).toBeUndefined();
  });
});

describe("events as clients get them", () => {
  test("carry transaction id, replaced state, membership and bundled relations", async () => {
    const roomId = await roomWith("shared");
    const eventId = await hq.rooms.send.message({
      by: alice,
      roomId,
      type: "m.room.message",
      content: { body: "tpyo" },
      txnId: "txn",
    });
    const edit = await hq.rooms.send.message({
      by: alice,
      roomId,
      type: "m.room.message",
      content: {
        body: "* typo",
        "m.new_content": { body: "typo" },
        "m.relates_to": { rel_type: "m.replace", event_id: eventId },
      },
    });
    const text = await hq.rooms.history.event(alice, roomId, eventId);
    const event = JSON.parse(text);
    expect(event).toMatchObject({ event_id: eventId, room_id: roomId, sender: alice.userId });
    expect(event.unsigned).toMatchObject({ transaction_id: "txn", membership: "join" });
    expect(event.unsigned["m.relations"]["m.replace"].event_id).toBe(edit);
    const onOther = { userId: alice.userId, deviceId: "OTHER" };
    const other = JSON.parse(await hq.rooms.history.event(onOther, roomId, eventId));
    expect(other.unsigned.transaction_id).toBeUndefined();

    const name = (value: string) =>
      hq.rooms.send.state({
        by: alice,
        roomId,
        type: "m.room.name",
        stateKey: "",
        content: { name: value },
      });
    const first = await name("one");
    const second = await name("two");
    const changed = JSON.parse(await hq.rooms.history.event(alice, roomId, second));
    expect(changed.unsigned).toMatchObject({
      replaces_state: first,
      prev_content: { name: "one" },
      prev_sender: alice.userId,
    });
  });

  test("lists relations page by page, and refuses a second annotation with the same key", async () => {
    const roomId = await roomWith("shared");
    const target = await say(alice, roomId, "react to this");
    const react = (by: Actor, key: string) =>
      hq.rooms.send.message({
        by,
        roomId,
        type: "m.reaction",
        content: { "m.relates_to": { rel_type: "m.annotation", event_id: target, key } },
      });
    await react(alice, "a");
    await react(alice, "b");
    await react(alice, "c");
    await expect(react(alice, "a")).rejects.toMatchObject({ errcode: "M_DUPLICATE_ANNOTATION" });
    const page = await hq.rooms.history.relations(alice, roomId, target, {
      relType: "m.annotation",
      limit: 2,
    });
    const keys = (texts: string[]) =>
      texts.map((text) => JSON.parse(text).content["m.relates_to"].key);
    expect(keys(page.chunk)).toEqual(["c", "b"]);
    const rest = await hq.rooms.history.relations(alice, roomId, target, {
      limit: 2,
      from: page.next_batch,
    });
    expect(keys(rest.chunk)).toEqual(["a"]);
    expect(rest.next_batch).toBeUndefined();
  });

  test("show no content of a redacted event that was replaced", async () => {
    const roomId = await roomWith("shared");
    const topic = (value: string) =>
      hq.rooms.send.state({
        by: alice,
        roomId,
        type: "m.room.topic",
        stateKey: "",
        content: { topic: value },
      });
    const first = await topic("rude");
    const second = await topic("polite");
    await hq.rooms.history.event(alice, roomId, second);
    await hq.rooms.send.redact({ by: alice, roomId, eventId: first });
    const event = JSON.parse(await hq.rooms.history.event(alice, roomId, second));
    expect(event.unsigned.prev_content).toEqual({});
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
    const from = (await hq.rooms.view.rootsAt([nid], before)).get(nid) ?? null;
    const to = (await hq.rooms.view.rootsAt([nid], hq.log.position)).get(nid) ?? null;
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
