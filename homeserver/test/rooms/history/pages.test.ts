import { describe, expect, test } from "vitest";
import { parseEventFilter } from "../../../src/protocol/filter.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import { alice, bob, hq, roomWith, say } from "./one-server.ts";

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
