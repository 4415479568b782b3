/** What a server that is asked for missing events and auth events tells. */
import { describe, expect, test } from "vitest";
import type { EventId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { a, b, bob, c, heard, roomId, say, unheard, world } from "./unheard.ts";

describe("auth events that are not here", () => {
  /** Ben's message, of which neither what is before it nor what authorises it is here. */
  async function ofStranger(): Promise<{ eventId: EventId; pdu: JsonObject }> {
    const ben = b.user("ben");
    let eventId: EventId | undefined;
    await world.lose(async () => {
      await b.rooms.members.join({ by: ben, room: roomId });
      const type = "m.room.message";
      eventId = await b.rooms.send.message({ by: ben, roomId, type, content: { body: "ben" } });
    });
    const stored = (await b.rooms.view.eventsById([eventId!])).get(eventId!)!;
    const pdus = [JSON.parse(stored.event.json()) as JsonObject];
    for (const id of stored.event.prevEventIds) {
      const prev = (await b.rooms.view.eventsById([id])).get(id)!;
      pdus.unshift(JSON.parse(prev.event.json()) as JsonObject);
    }
    await c.rooms.federation.receive(b.name, pdus);
    return { eventId: eventId!, pdu: pdus.at(-1)! };
  }

  test("are asked for by event_auth, and the event is judged by them", async () => {
    const { eventId, pdu } = await ofStranger();
    world.calls.clear();
    await a.rooms.federation.receive(b.name, [pdu]);
    expect((await a.rooms.view.eventsById([eventId])).get(eventId)?.status).toBe("accepted");
    expect(world.calls.get("eventAuth")).toBe(1);
  });

  test("come from another server when the first has none, or tells of others", async () => {
    const { eventId, pdu } = await ofStranger();
    const elsewhere = await b.rooms.create.room(bob, { preset: "public_chat" });
    const foreign = await b.rooms.view.currentState((await b.rooms.view.room(elsewhere))!.nid);
    world.pretend(b, "eventAuth", async () => ({
      auth_chain: foreign.map(({ event }) => event.pdu),
    }));
    world.pretend(b, "event", async () => ({ pdus: [foreign[0]!.event.pdu] }));
    await a.rooms.federation.receive(b.name, [pdu]);
    expect((await a.rooms.view.eventsById([eventId])).get(eventId)?.status).toBe("accepted");
    const ids = foreign.map(({ event }) => event.eventId);
    expect((await a.rooms.view.eventsById(ids)).size).toBe(0);
  });
});

describe("what a server tells when it is asked", () => {
  /** A message of Bob's, so long after the last that is known here that its state has to be told. */
  async function far(): Promise<{ eventId: EventId; pdu: JsonObject }> {
    const said = await unheard(...Array.from({ length: 75 }, (_, i) => `message ${i}`));
    await c.rooms.federation.receive(
      b.name,
      said.slice(0, 50).map((one) => one.pdu),
    );
    await c.rooms.federation.receive(
      b.name,
      said.slice(50).map((one) => one.pdu),
    );
    return said.at(-1)!;
  }

  test("is not taken when it forbids an event that others allow", async () => {
    const last = await far();
    world.pretend(b, "stateIds", async (honest) => {
      const { pdu_ids: ids, ...rest } = await honest();
      const found = await b.rooms.view.eventsById(ids as EventId[]);
      const others = [...found.values()].filter(({ event }) => event.stateKey !== bob.userId);
      return { ...rest, pdu_ids: others.map(({ event }) => event.eventId) };
    });
    await a.rooms.federation.receive(b.name, [last.pdu]);
    const found = await a.rooms.view.eventsById([last.eventId]);
    expect(found.get(last.eventId)?.status).toBe("accepted");
    expect(world.calls.get("stateIds")).toBeGreaterThan(1);
  });

  test("is bounded: a chain that never ends is left after a few requests", async () => {
    const last = await far();
    const room = await b.rooms.view.room(roomId);
    const { events } = await b.rooms.history.timeline(room!.nid, { limit: 70 });
    let asked = 0;
    world.pretend(b, "missingEvents", async () => {
      asked += 1;
      return { events: [events[asked]!.event.pdu] };
    });
    world.cut(a, c);
    await a.rooms.federation.receive(b.name, [last.pdu]);
    expect(asked).toBe(3);
    expect((await heard()).at(-1)).toBe("message 74");
  });

  test("is left out when nothing that was asked for leads to it", async () => {
    const [first, , third] = await unheard("first", "second", "third");
    const foreign = await say("later");
    world.pretend(b, "missingEvents", async () => ({ events: [first!.pdu, foreign.pdu] }));
    world.cut(a, c);
    await a.rooms.federation.receive(b.name, [third!.pdu]);
    expect(await heard()).toEqual(["third"]);
  });
});
