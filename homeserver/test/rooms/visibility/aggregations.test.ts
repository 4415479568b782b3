/** What is bundled with events: which edits count, what a thread says of itself, and what is left out for whom. */
import { describe, expect, test } from "vitest";
import {
  alice,
  bob,
  carol,
  edit,
  event,
  hq,
  openRoom,
  ignored,
  relationsOf,
  roomId,
  say,
} from "./related-events.ts";

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
    await openRoom({
      preset: "public_chat",
      initial_state: [
        { type: "m.room.history_visibility", content: { history_visibility: "invited" } },
      ],
    });
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

test("annotations are counted by clients, not by the server", async () => {
  const root = await say("root");
  await hq.rooms.send.message({
    ...{ by: bob, roomId, type: "m.reaction" },
    content: { "m.relates_to": { rel_type: "m.annotation", event_id: root, key: "+" } },
  });
  expect(await relationsOf(root)).toBeUndefined();
});
