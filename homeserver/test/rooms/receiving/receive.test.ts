import { describe, expect, test } from "vitest";
import { newest } from "../support/forge.ts";
import { publicRoom } from "../support/servers.ts";
import {
  a,
  alice,
  b,
  bob,
  eventOf,
  forge,
  roomId,
  send,
  statusOf,
  world,
} from "./forged-events.ts";

describe("checks on receipt", () => {
  test("1. drop what is no event of the room's version", async () => {
    const event = await forge({});
    const before = a.log.position;
    await send({ ...event.pdu, content: "text" });
    await send({ ...event.pdu, prev_events: Array.from({ length: 21 }, () => "$x") });
    await send({ ...event.pdu, room_id: "!elsewhere:b.test" });
    await send({ ...event.pdu, type: "x".repeat(256) });
    await send({ ...event.pdu, content: { body: "x".repeat(66_000) } });
    expect(a.log.position).toBe(before);
  });

  test("2. drop an event without the sender's server's signature", async () => {
    const impostor = await forge({ sender: alice.userId });
    expect(await send(impostor.pdu)).toEqual({
      [impostor.eventId]: { error: expect.stringContaining("a.test") },
    });
    const event = await forge({});
    const changed = { ...event.pdu, origin_server_ts: 1 };
    const [result] = Object.values(await send(changed));
    expect(result).toEqual({ error: expect.stringContaining("signature") });
  });

  test("3. redact an event whose content hash is wrong", async () => {
    const event = await forge({ content: { body: "as signed" } });
    expect(await send({ ...event.pdu, content: { body: "as changed" } })).toEqual({
      [event.eventId]: {},
    });
    expect((await eventOf(alice, event.eventId)).content).toEqual({});
  });

  test("4. reject by the auth events: foreign, superfluous, lacking", async () => {
    const otherRoom = await publicRoom(world, [a, alice], [b, bob]);
    const other = await a.rooms.history.state(alice.userId, otherRoom);
    const foreign = other.find(({ event }) => event.stateKey === bob.userId)!.event.eventId;
    const mine = await a.rooms.history.state(alice.userId, roomId);
    const idOf = (type: string, key: string) =>
      mine.find(({ event }) => event.type === type && event.stateKey === key)!.event.eventId;
    const levels = idOf("m.room.power_levels", "");
    const member = idOf("m.room.member", bob.userId);
    for (const auth of [
      [levels, foreign],
      [levels, member, idOf("m.room.history_visibility", "")],
      [levels],
    ]) {
      const event = await forge({ auth });
      expect(await send(event.pdu)).toEqual({ [event.eventId]: {} });
      expect(await statusOf(event.eventId)).toBe("rejected");
    }
    expect((await newest(a, roomId))?.event.content.body).not.toBe("forged");
  });

  test("5. reject by the state before the event", async () => {
    const event = await forge({ type: "m.room.topic", stateKey: "", content: { topic: "mine" } });
    await send(event.pdu);
    expect(await statusOf(event.eventId)).toBe("rejected");
    await expect(eventOf(alice, event.eventId)).rejects.toMatchObject({ status: 404 });
    const child = await forge({ prev: [event.eventId], content: { body: "child" } });
    await send(child.pdu);
    expect(await statusOf(child.eventId)).toBe("accepted");
  });

  test("6. soft-fail what the current state forbids: not shown, not built upon, not lost", async () => {
    const tip = await newest(a, roomId);
    await a.rooms.members.ban({ by: alice, roomId, userId: bob.userId });
    const event = await forge({ prev: [tip!.event.eventId], content: { body: "evading" } });
    await send(event.pdu);
    expect(await statusOf(event.eventId)).toBe("soft-failed");
    const next = await a.rooms.send.message({
      by: alice,
      roomId,
      type: "m.room.message",
      content: { body: "next" },
    });
    const stored = (await a.rooms.view.eventsById([next])).get(next);
    expect(stored?.event.prevEventIds).not.toContain(event.eventId);
    const page = await a.rooms.history.messages(alice, roomId, { dir: "b", limit: 10 });
    expect(page.chunk.some((text) => text.includes("evading"))).toBe(false);
  });

  test("6. what is soft-failed is shown by no path", async () => {
    const said = await forge({ content: { msgtype: "m.text", body: "before the ban" } });
    await send(said.pdu);
    await a.rooms.members.ban({ by: alice, roomId, userId: bob.userId });
    const relating = (relType: string) => ({
      ...{ msgtype: "m.text", body: "evading", "m.new_content": { body: "evading" } },
      "m.relates_to": { rel_type: relType, event_id: said.eventId },
    });
    const evading = await Promise.all(
      ["m.replace", "m.thread", "m.reference"].map((relType) =>
        forge({ prev: [said.eventId], content: relating(relType) }),
      ),
    );
    for (const { pdu, eventId } of evading) {
      await send(pdu);
      expect(await statusOf(eventId)).toBe("soft-failed");
    }
    const { history } = a.rooms;
    for (const { eventId } of evading) {
      await expect(eventOf(alice, eventId)).rejects.toMatchObject({ status: 404 });
      const around = history.context(alice, roomId, eventId, {});
      await expect(around).rejects.toMatchObject({ status: 404 });
    }
    const shown = [
      await eventOf(alice, said.eventId),
      await history.context(alice, roomId, said.eventId, { limit: 20 }),
      await history.messages(alice, roomId, { dir: "f", limit: 100 }),
      await history.relations(alice, roomId, said.eventId, {}),
      await history.threads(alice, roomId, {}),
    ].map((answer) => JSON.stringify(answer));
    expect(shown[0]).toContain("before the ban");
    expect(shown.filter((answer) => answer.includes("evading"))).toEqual([]);
    const last = await history.closestTo(alice, roomId, { ts: Date.now() + 60_000, dir: "b" });
    expect(evading.map(({ eventId }) => eventId)).not.toContain(last.eventId);
  });

  test("take the same event twice, and at once, as one", async () => {
    const event = await forge({ content: { body: "twice" } });
    await Promise.all([send(event.pdu), send(event.pdu), send(event.pdu)]);
    await send(event.pdu);
    const page = await a.rooms.history.messages(alice, roomId, { dir: "b", limit: 10 });
    expect(page.chunk.filter((text) => text.includes("twice"))).toHaveLength(1);
  });

  test("one bad event does not hinder the others of a transaction", async () => {
    const first = await forge({ content: { body: "good one" } });
    const bad = await forge({ sender: alice.userId });
    const second = await forge({ prev: [first.eventId], content: { body: "good two" } });
    const results = await a.rooms.federation.receive(b.name, [second.pdu, bad.pdu, first.pdu]);
    expect(results).toMatchObject({ [first.eventId]: {}, [second.eventId]: {} });
    expect(results[bad.eventId]).toHaveProperty("error");
    expect((await newest(a, roomId))?.event.eventId).toBe(second.eventId);
  });

  test("events of a banned server are refused", async () => {
    await a.rooms.send.state({
      by: alice,
      roomId,
      type: "m.room.server_acl",
      stateKey: "",
      content: { allow: ["*"], deny: ["B.t?st"] },
    });
    const event = await forge({});
    await send(event.pdu);
    expect(await statusOf(event.eventId)).toBeUndefined();
    expect(await a.rooms.federation.aclAllows(roomId, b.name)).toBe(false);
  });

  test("keys that hold NUL do no harm", async () => {
    const event = await forge({ type: "a\0b" });
    expect(await send(event.pdu)).toEqual({ [event.eventId]: { error: expect.any(String) } });
    const relation = { "m.relates_to": { rel_type: "m.ref\0", event_id: "$x\0" } };
    const odd = await forge({ content: relation });
    await send(odd.pdu);
    const next = await forge({ content: { body: "after" } });
    expect(await send(next.pdu)).toEqual({ [next.eventId]: {} });
  });
});
