/** What a hostile server can do: nothing to other rooms, and nothing without bounds. */
import { describe, expect, test } from "vitest";
import type { EventId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { forger } from "../support/forge.ts";
import { publicRoom } from "../support/servers.ts";
import {
  a,
  alice,
  beside,
  copy,
  count,
  h,
  mallory,
  onWire,
  quiet,
  roomId,
  stateOf,
  world,
} from "./hostile-server.ts";

/** WEFT_TEST_HOSTILE=1 sends ten times as much. */
const BAD_PDUS = process.env["WEFT_TEST_HOSTILE"] ? 10_000 : 1_000;

type Expected = "error" | "rejected" | "redacted" | "nothing";

type Bad = { readonly kind: string; readonly pdu: JsonObject; readonly expected: Expected };

/** One of each kind of bad event, different for each `i`. */
async function badPdus(): Promise<(i: number) => Bad[]> {
  const forge = await forger(h, roomId, mallory);
  const here = await a.rooms.view.currentState((await a.rooms.view.room(roomId))!.nid);
  const there = await a.rooms.view.currentState((await a.rooms.view.room(quiet))!.nid);
  const idOf = (state: typeof here, type: string, key = "") =>
    state.find(({ event }) => event.type === type && event.stateKey === key)!.event.eventId;
  const member = idOf(here, "m.room.member", mallory.userId);
  const body = (i: number) => ({ body: `bad ${i}` });
  return (i) => {
    const good = forge({ content: body(i) });
    const text = (content: string) =>
      onWire(good.json().replace(`"bad ${i}"`, content.replaceAll("#", String(i))));
    const big = 65_537 - good.json().length + `bad ${i}`.length;
    return [
      { kind: "hash", pdu: { ...copy(good), content: { body: `x${i}` } }, expected: "redacted" },
      {
        kind: "signature",
        pdu: { ...copy(good), origin_server_ts: i },
        expected: "error",
      },
      {
        kind: "foreign signature",
        pdu: copy(forge({ content: body(i), sender: alice.userId })),
        expected: "error",
      },
      {
        kind: "wrong auth events",
        pdu: copy(
          forge({ content: body(i), auth: [member, idOf(here, "m.room.history_visibility")] }),
        ),
        expected: "rejected",
      },
      {
        kind: "another room's auth events",
        pdu: copy(forge({ content: body(i), auth: [member, idOf(there, "m.room.power_levels")] })),
        expected: "rejected",
      },
      {
        kind: "another room's event",
        pdu: copy(
          forge({
            content: body(i),
            roomId: quiet,
            prev: [idOf(there, "m.room.member", alice.userId)],
          }),
        ),
        expected: "rejected",
      },
      { kind: "a fraction", pdu: text("1.5"), expected: "nothing" },
      { kind: "a great number", pdu: text("9007199254740993"), expected: "nothing" },
      { kind: "65,537 bytes", pdu: text(`"${"x".repeat(big)}"`), expected: "nothing" },
      { kind: "NUL", pdu: copy(forge({ content: body(i), type: "a\0b" })), expected: "error" },
      { kind: "no object", pdu: { ...copy(good), content: "text" }, expected: "nothing" },
      {
        kind: "many prev events",
        pdu: { ...copy(good), prev_events: Array.from({ length: 21 }, (_, n) => `$${n}`) },
        expected: "nothing",
      },
    ];
  };
}

describe("a hostile server", () => {
  test(`sends ${BAD_PDUS} bad events: each has the right answer, and other rooms go on`, async () => {
    const make = await badPdus();
    const before = [await stateOf(a, roomId), await stateOf(a, quiet)];
    const batches: JsonObject[][] = [];
    for (let i = 0, made = 0; made < BAD_PDUS; i += 4) {
      const batch = [make(i), make(i + 1), make(i + 2), make(i + 3)].flat();
      batches.push(batch.map(({ pdu }) => pdu));
      made += batch.length;
    }
    const hostile = async () => {
      for (const batch of batches) await a.rooms.federation.receive(h.name, batch);
    };
    await beside(hostile());
    for (const { kind, pdu, expected } of make(1_000_000)) {
      const results = Object.entries(await a.rooms.federation.receive(h.name, [pdu]));
      const [id, result] = results[0] ?? [];
      if (expected === "nothing" && result === undefined) continue;
      expect(result, kind).toEqual(
        expected === "error" || expected === "nothing" ? { error: expect.any(String) } : {},
      );
      // The id says nothing of a message's content: an event of the same one may be there.
      if (expected === "nothing") continue;
      const stored = (await a.rooms.view.eventsById([id as EventId])).get(id as EventId);
      if (expected === "rejected") expect(stored?.status, kind).toBe("rejected");
      else if (expected === "redacted") expect(stored?.event.content, kind).toEqual({});
      else expect(stored, kind).toBeUndefined();
    }
    expect([await stateOf(a, roomId), await stateOf(a, quiet)]).toEqual(before);
    expect(await count("staged_events")).toBe(0);
  }, 300_000);

  test("builds on another room's events, where it has power: it has none here", async () => {
    const own = await publicRoom(world, [h, mallory], [a, alice]);
    const forge = await forger(h, roomId, mallory);
    const elsewhere = await forger(h, own, mallory);
    const base = elsewhere({ content: { body: "base" } });
    await a.rooms.federation.receive(h.name, [copy(base)]);
    const before = await stateOf(a, roomId);
    const event = forge({ prev: [base.eventId], content: { body: "across" } });
    const topic = forge({ prev: [base.eventId], type: "m.room.topic", stateKey: "" });
    await a.rooms.federation.receive(h.name, [copy(event), copy(topic)]);
    expect(await stateOf(a, roomId)).toEqual(before);
  });

  test("forks the room five hundred times: every event is taken, and another room goes on", async () => {
    const forge = await forger(h, roomId, mallory);
    const member = (i: number) =>
      forge({
        ...{ type: "m.room.member", stateKey: mallory.userId },
        content: { membership: "join", displayname: `${i}` },
      });
    const forks = Array.from({ length: 500 }, (_, i) => copy(member(i)));
    const hostile = async () => {
      for (let from = 0; from < 500; from += 50) {
        await a.rooms.federation.receive(h.name, forks.slice(from, from + 50));
      }
    };
    await beside(hostile());
    const type = "m.room.message";
    const eventId = await a.rooms.send.message({
      by: alice,
      roomId,
      type,
      content: { body: "on" },
    });
    const stored = (await a.rooms.view.eventsById([eventId])).get(eventId)!;
    expect(stored.event.prevEventIds).toHaveLength(20);
  }, 180_000);

  test("has a key that expires midway: what it signed before is taken, and nothing after", async () => {
    const forge = await forger(h, roomId, mallory);
    const now = Date.now();
    world.expire(h, now);
    const before = forge({ originServerTs: now - 1, content: { body: "before" } });
    const after = forge({ originServerTs: now + 1, content: { body: "after" } });
    const results = await a.rooms.federation.receive(h.name, [copy(before), copy(after)]);
    expect(results[before.eventId]).toEqual({});
    expect(results[after.eventId]).toEqual({ error: expect.stringContaining("signature") });
  });

  test("signs with an expired key in a room of version 4, which does not look at that", async () => {
    const old = await a.rooms.create.room(alice, { preset: "public_chat", room_version: "4" });
    await h.rooms.members.join({ by: mallory, room: old, via: [a.name] });
    await world.flush();
    const forge = await forger(h, old, mallory);
    const now = Date.now();
    world.expire(h, now);
    const event = forge({ originServerTs: now + 1, content: { body: "after" } });
    await a.rooms.federation.receive(h.name, [copy(event)]);
    expect((await a.rooms.view.eventsById([event.eventId])).get(event.eventId)?.status).toBe(
      "accepted",
    );
  });
});
