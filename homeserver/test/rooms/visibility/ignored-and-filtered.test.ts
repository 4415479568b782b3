/** Related events of who is ignored, and filters by what is related. */
import { describe, expect, test } from "vitest";
import { parseEventFilter } from "../../../src/protocol/filter.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import {
  alice,
  bob,
  carol,
  event,
  hq,
  ignored,
  relationsOf,
  roomId,
  say,
} from "./related-events.ts";

describe("a filter by what is related", () => {
  const bodiesOf = (texts: readonly string[]) =>
    texts.flatMap((text) => JSON.parse(text).content.body ?? []);
  const messages = async (filter: JsonObject, by = carol) => {
    const query = { dir: "f" as const, limit: 100, filter: parseEventFilter(filter) };
    return bodiesOf((await hq.rooms.history.messages(by, roomId, query)).chunk);
  };

  test("shows what has such a child, of such a sender", async () => {
    const one = await say("one");
    const two = await say("two");
    const three = await say("three");
    await say("alone");
    await say("reply", { by: bob, rel: "m.thread", to: one });
    await say("about", { rel: "m.reference", to: two });
    const gone = await say("gone", { by: bob, rel: "m.thread", to: three });
    await hq.rooms.send.redact({ by: bob, roomId, eventId: gone });
    expect(await messages({ related_by_rel_types: ["m.thread"] })).toEqual(["one"]);
    expect(await messages({ related_by_senders: [alice.userId] })).toEqual(["two"]);
    expect(await messages({ related_by_rel_types: ["m.thread", "m.reference"] })).toEqual([
      ...["one", "two"],
    ]);
    const both = { related_by_rel_types: ["m.reference"], related_by_senders: [bob.userId] };
    expect(await messages(both)).toEqual([]);
    expect(await messages({ related_by_rel_types: [] })).toEqual([]);
    expect(await messages({ related_by_rel_types: ["a\0b", "m.thread"] })).toEqual(["one"]);
    expect(await messages({ related_by_senders: ["@\0:hq.test"] })).toEqual([]);
    const filter = parseEventFilter({ related_by_rel_types: ["m.thread"] });
    const around = await hq.rooms.history.context(carol, roomId, two, { limit: 10, filter });
    expect(bodiesOf([around.event])).toEqual(["two"]);
    expect(bodiesOf(around.events_before)).toEqual(["one"]);
    expect(around.events_after).toEqual([]);
    ignored.add(bob.userId);
    expect(await messages({ related_by_rel_types: ["m.thread"] })).toEqual([]);
    expect(await messages({ related_by_rel_types: ["m.thread"] }, alice)).toEqual(["one"]);
  });
});

describe("who is ignored", () => {
  test("adds to no aggregation, and begins no thread's place in the list", async () => {
    const root = await say("root");
    const quiet = await say("quiet");
    const heard = await say("heard", { rel: "m.thread", to: root });
    await say("more", { rel: "m.thread", to: quiet });
    for (const rel of ["m.thread", "m.reference"]) await say("x", { by: bob, rel, to: root });
    const loud = await say("loud");
    await say("only bob's", { by: bob, rel: "m.thread", to: loud });
    ignored.add(bob.userId);
    const relations = await relationsOf(root, carol);
    expect(relations["m.thread"]).toMatchObject({ count: 1, latest_event: { event_id: heard } });
    expect(relations["m.reference"]).toBeUndefined();
    const { chunk } = await hq.rooms.history.threads(carol, roomId, {});
    expect(chunk.map((text) => JSON.parse(text).event_id)).toEqual([quiet, root]);
  });

  test("is shown by no path, but for state", async () => {
    const said = await say("from bob", { by: bob });
    const own = await say("from alice");
    const state = await hq.rooms.send.state({
      ...{ by: bob, roomId, type: "m.room.member", stateKey: bob.userId },
      content: { membership: "join", displayname: "Bobby" },
    });
    ignored.add(bob.userId);
    const hidden = { errcode: "M_NOT_FOUND", status: 404 };
    await expect(event(said, carol)).rejects.toMatchObject(hidden);
    await expect(hq.rooms.history.context(carol, roomId, said, { limit: 4 })).rejects.toMatchObject(
      hidden,
    );
    const around = await hq.rooms.history.context(carol, roomId, own, { limit: 4 });
    const ids = [...around.events_before, ...around.events_after].map(
      (t) => JSON.parse(t).event_id,
    );
    expect(ids).not.toContain(said);
    expect(ids).toContain(state);
    expect((await event(state, carol)).content.displayname).toBe("Bobby");
  });
});
