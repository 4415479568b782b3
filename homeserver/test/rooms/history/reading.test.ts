import { describe, expect, test } from "vitest";
import type { Actor } from "../../../src/rooms/index.ts";
import { alice, hq, roomWith, say } from "./one-server.ts";

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
