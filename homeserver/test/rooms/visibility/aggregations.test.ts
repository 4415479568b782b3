/** What is bundled with events: which edits count, what a thread says of itself, and what is left out for whom. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseEventFilter } from "../../../src/protocol/filter.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import type { Body } from "../../support/user.ts";
import { createWorld } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

let world: World;
let hq: TestServer;
let alice: Actor;
let bob: Actor;
let carol: Actor;
let roomId: RoomId;
/** Whom carol ignores. */
const ignored = new Set<string>();

beforeAll(async () => {
  world = createWorld();
  hq = await world.server("hq.test", undefined, undefined, async (userId) =>
    userId === "@carol:hq.test" ? ignored : new Set(),
  );
  [alice, bob, carol] = [hq.user("alice"), hq.user("bob"), hq.user("carol")];
});
beforeEach(async () => {
  roomId = await hq.rooms.create.room(alice, { preset: "public_chat" });
  for (const by of [bob, carol]) await hq.rooms.members.join({ by, room: roomId });
});
afterEach(() => ignored.clear());
afterAll(() => world.close());

interface Said {
  readonly by?: Actor;
  readonly type?: string;
  readonly rel?: string;
  readonly to?: EventId;
  readonly more?: JsonObject;
  readonly ts?: number;
}

function say(body: string, { by = alice, rel, to, more = {}, ts, ...said }: Said = {}) {
  const relation: JsonObject = to ? { "m.relates_to": { rel_type: rel!, event_id: to } } : {};
  const content = { body, ...more, ...relation };
  const type = said.type ?? "m.room.message";
  return hq.rooms.send.message({ by, roomId, type, content, originServerTs: ts });
}

const edit = (to: EventId, body: string, said: Said = {}) =>
  say(`* ${body}`, { more: { "m.new_content": { body } }, ...said, rel: "m.replace", to });

const event = async (eventId: EventId, by: Actor = alice): Promise<Body> =>
  JSON.parse(await hq.rooms.history.event(by, roomId, eventId));
const relationsOf = async (eventId: EventId, by?: Actor): Promise<Body> =>
  (await event(eventId, by)).unsigned["m.relations"];

describe("a replacement", () => {
  test("counts when it is valid, and the most recent by its time and id", async () => {
    const root = await say("original");
    const good = await edit(root, "good", { ts: 2_000 });
    expect((await relationsOf(root))["m.replace"].event_id).toBe(good);
    const since = { ts: 9_000 };
    await edit(good, "an edit of an edit", since);
    await say("* no new content", { rel: "m.replace", to: root, ...since });
    await edit(root, "text for content", { more: { "m.new_content": "text" }, ...since });
    await edit(root, "somebody else's", { by: bob, ...since });
    await edit(root, "another type", { type: "org.example.note", ...since });
    await edit(root, "older, though it came later", { ts: 1_000 });
    expect((await relationsOf(root))["m.replace"].event_id).toBe(good);
    expect(await relationsOf(good)).toBeUndefined();
    const same = [await edit(root, "one", since), await edit(root, "two", since)].toSorted();
    const shown = (await relationsOf(root))["m.replace"];
    expect(shown.event_id).toBe(same[1]);
    expect(shown.unsigned).toMatchObject({ membership: "join" });
  });

  test("of something encrypted has its new content within", async () => {
    const type = "m.room.encrypted";
    const root = await say("cipher", { type });
    const next = await say("cipher too", { type, rel: "m.replace", to: root });
    expect((await relationsOf(root))["m.replace"].event_id).toBe(next);
  });

  test("that is redacted leaves the one before; with its original redacted there is none", async () => {
    const root = await say("original");
    const reply = await say("reply", { rel: "m.thread", to: root });
    const first = await edit(root, "first", { ts: 1_000 });
    const second = await edit(root, "second", { ts: 2_000 });
    await hq.rooms.send.redact({ by: alice, roomId, eventId: second });
    expect((await relationsOf(root))["m.replace"].event_id).toBe(first);
    await hq.rooms.send.redact({ by: alice, roomId, eventId: root });
    const relations = await relationsOf(root);
    expect(relations["m.replace"]).toBeUndefined();
    // The children remain: the thread still is one.
    expect(relations["m.thread"]).toMatchObject({ count: 1, latest_event: { event_id: reply } });
  });

  test("of state is none", async () => {
    const topic = await hq.rooms.send.state({
      ...{ by: alice, roomId, type: "m.room.topic", stateKey: "", content: { topic: "a" } },
    });
    await edit(topic, "b", { type: "m.room.topic" });
    expect((await event(topic)).unsigned["m.relations"]).toBeUndefined();
  });
});

describe("a thread", () => {
  test("tells its latest event as it is, with what is bundled with that", async () => {
    const root = await say("root");
    await say("one", { by: bob, rel: "m.thread", to: root });
    const last = await hq.rooms.send.message({
      ...{ by: alice, roomId, type: "m.room.message", txnId: "own" },
      content: { body: "two", "m.relates_to": { rel_type: "m.thread", event_id: root } },
    });
    const changed = await edit(last, "two, edited");
    const about = await say("about", { rel: "m.reference", to: last });
    const thread = (await relationsOf(root))["m.thread"];
    expect(thread).toMatchObject({ count: 2, current_user_participated: true });
    expect(thread.latest_event.event_id).toBe(last);
    expect(thread.latest_event.unsigned).toMatchObject({
      transaction_id: "own",
      membership: "join",
      "m.relations": {
        "m.replace": { event_id: changed },
        "m.reference": { chunk: [{ event_id: about }] },
      },
    });
  });

  test("does not begin with an event that is another's child", async () => {
    const root = await say("root");
    const reply = await say("reply", { rel: "m.thread", to: root });
    await expect(say("nested", { rel: "m.thread", to: reply })).rejects.toMatchObject({
      status: 400,
    });
    const answer = await hq.rooms.send.message({
      ...{ by: alice, roomId, type: "m.room.message" },
      content: { body: "answer", "m.relates_to": { "m.in_reply_to": { event_id: root } } },
    });
    await say("in the answer's", { rel: "m.thread", to: answer });
    const { chunk } = await hq.rooms.history.threads(alice, roomId, {});
    expect(chunk.map((text) => JSON.parse(text).event_id)).toEqual([answer, root]);
  });

  test("counts what the reader may see", async () => {
    const closed = await hq.rooms.create.room(alice, {
      preset: "public_chat",
      initial_state: [
        { type: "m.room.history_visibility", content: { history_visibility: "invited" } },
      ],
    });
    roomId = closed;
    await hq.rooms.send.state({
      ...{ by: alice, roomId, type: "m.room.history_visibility", stateKey: "" },
      content: { history_visibility: "world_readable" },
    });
    const root = await say("root");
    await hq.rooms.send.state({
      ...{ by: alice, roomId, type: "m.room.history_visibility", stateKey: "" },
      content: { history_visibility: "joined" },
    });
    await say("unseen", { rel: "m.thread", to: root });
    await say("unseen", { rel: "m.reference", to: root });
    await hq.rooms.members.join({ by: bob, room: roomId });
    expect(await relationsOf(root, bob)).toBeUndefined();
    const seen = await say("seen", { rel: "m.thread", to: root });
    expect((await relationsOf(root, bob))["m.thread"]).toMatchObject({
      count: 1,
      latest_event: { event_id: seen },
    });
    expect((await relationsOf(root))["m.thread"].count).toBe(2);
  });
});

test("state that relates to an event counts like any other, and is no edit", async () => {
  const root = await say("root");
  const tell = (stateKey: string, rel: string) =>
    hq.rooms.send.state({
      ...{ by: alice, roomId, type: "m.room.message", stateKey },
      content: {
        body: "state",
        "m.new_content": {},
        "m.relates_to": { rel_type: rel, event_id: root },
      },
    });
  const about = await tell("about", "m.reference");
  const reply = await tell("reply", "m.thread");
  await tell("edit", "m.replace");
  expect(await relationsOf(root)).toEqual({
    "m.reference": { chunk: [{ event_id: about }] },
    "m.thread": {
      count: 1,
      current_user_participated: true,
      latest_event: expect.objectContaining({ event_id: reply }),
    },
  });
  ignored.add(alice.userId);
  await say("from bob", { by: bob, rel: "m.reference", to: root });
  await expect(relationsOf(root, carol)).rejects.toMatchObject({ status: 404 });
});

test("of equal annotations that come at once one is sent", async () => {
  const root = await say("root");
  const annotate = (key: string) =>
    hq.rooms.send.message({
      ...{ by: bob, roomId, type: "m.reaction" },
      content: { "m.relates_to": { rel_type: "m.annotation", event_id: root, key } },
    });
  const all = await Promise.allSettled(["+", "+", "+", "-"].map(annotate));
  const refused = all.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  expect(refused.map(({ status, errcode }) => [status, errcode])).toEqual([
    [400, "M_DUPLICATE_ANNOTATION"],
    [400, "M_DUPLICATE_ANNOTATION"],
  ]);
  const { chunk } = await hq.rooms.history.relations(alice, roomId, root, { limit: 10 });
  const keys = chunk.map((text): string => JSON.parse(text).content["m.relates_to"].key);
  expect(keys.toSorted()).toEqual(["+", "-"]);
});

test("who is not in the room is told nothing of what a thread may begin with", async () => {
  const root = await say("root");
  const reply = await say("reply", { rel: "m.thread", to: root });
  const eve = hq.user("eve");
  await expect(say("x", { by: eve, rel: "m.thread", to: reply })).rejects.toMatchObject({
    errcode: "M_FORBIDDEN",
  });
});

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

test("annotations are counted by clients, not by the server", async () => {
  const root = await say("root");
  await hq.rooms.send.message({
    ...{ by: bob, roomId, type: "m.reaction" },
    content: { "m.relates_to": { rel_type: "m.annotation", event_id: root, key: "+" } },
  });
  expect(await relationsOf(root)).toBeUndefined();
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
