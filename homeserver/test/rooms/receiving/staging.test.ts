import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createManualClock } from "../../../src/platform/clock.ts";
import type { ManualClock } from "../../../src/platform/clock.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { insertStaged, stagedInRoom } from "../../../src/storage/rooms/staged-events.ts";
import { createWorld } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

let world: World;
let clock: ManualClock;
let a: TestServer;
let b: TestServer;
let c: TestServer;
let alice: Actor;
let bob: Actor;
let roomId: RoomId;

beforeAll(async () => {
  world = createWorld();
  clock = createManualClock(Date.now());
  a = await world.server("a.test", undefined, clock);
  b = await world.server("b.test");
  c = await world.server("c.test");
  alice = a.user("alice");
  bob = b.user("bob");
});
beforeEach(async () => {
  world.reset();
  roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  await c.rooms.members.join({ by: c.user("carol"), room: roomId, via: [a.name] });
  await world.flush();
});
afterAll(() => world.close());

/** Bob says things of which nobody hears; answers the events in order. */
async function unheard(...bodies: string[]): Promise<{ eventId: EventId; pdu: JsonObject }[]> {
  const said: { eventId: EventId; pdu: JsonObject }[] = [];
  await world.lose(async () => {
    for (const body of bodies) said.push(await say(body));
  });
  return said;
}

async function say(body: string): Promise<{ eventId: EventId; pdu: JsonObject }> {
  const type = "m.room.message";
  const eventId = await b.rooms.send.message({ by: bob, roomId, type, content: { body } });
  const stored = (await b.rooms.view.eventsById([eventId])).get(eventId);
  return { eventId, pdu: JSON.parse(stored!.event.json()) as JsonObject };
}

async function staged(): Promise<string[]> {
  const room = await a.rooms.view.room(roomId);
  const rows = await stagedInRoom(a.db.sql, room!.nid, Number.MAX_SAFE_INTEGER, 100);
  return rows.map((row) => row.eventId);
}

async function heard(server: TestServer = a): Promise<string[]> {
  const room = await server.rooms.view.room(roomId);
  const page = await server.rooms.history.timeline(room!.nid, { limit: 20 });
  const bodies = page.events.map(({ event }) => event.content.body as string | undefined);
  return bodies.toReversed().flatMap((body) => body ?? []);
}

describe("the staging area", () => {
  test("keeps an event of which the prev event can't be had, and places it when it can", async () => {
    const [, second] = await unheard("first", "second");
    world.cut(a, b);
    world.cut(a, c);
    const results = await a.rooms.federation.receive(b.name, [second!.pdu]);
    expect(results).toEqual({ [second!.eventId]: {} });
    expect(await staged()).toEqual([second!.eventId]);
    expect(await heard()).toEqual([]);
    world.heal();
    clock.advance(15_000);
    await expect.poll(() => heard()).toEqual(["first", "second"]);
    await expect.poll(() => staged()).toEqual([]);
  });

  test("places a staged event as soon as what it lacked comes by itself", async () => {
    const [first, second] = await unheard("first", "second");
    world.cut(a, b);
    world.cut(a, c);
    await a.rooms.federation.receive(b.name, [second!.pdu]);
    expect(await staged()).toEqual([second!.eventId]);
    await a.rooms.federation.receive(b.name, [first!.pdu]);
    await expect.poll(() => heard()).toEqual(["first", "second"]);
    await expect.poll(() => staged()).toEqual([]);
  });

  test("survives a crash between receipt and placing", async () => {
    const [, second] = await unheard("first", "second");
    world.cut(a, b);
    world.cut(a, c);
    await a.rooms.federation.receive(b.name, [second!.pdu]);
    world.heal();
    const next = await world.replica(a);
    await expect.poll(() => heard(next)).toEqual(["first", "second"]);
  });

  test("takes nothing that is placed at once", async () => {
    const [first, second] = await unheard("first", "second");
    world.calls.clear();
    await a.rooms.federation.receive(b.name, [second!.pdu, first!.pdu]);
    expect(await heard()).toEqual(["first", "second"]);
    expect(world.calls.size).toBe(0);
    expect(await staged()).toEqual([]);
  });

  test("asks the room's other servers when the origin is away", async () => {
    const [first, second] = await unheard("first", "second");
    await c.rooms.federation.receive(b.name, [first!.pdu, second!.pdu]);
    world.cut(a, b);
    await a.rooms.federation.receive(b.name, [second!.pdu]);
    expect(await heard()).toEqual(["first", "second"]);
  });

  test("takes up to so many events per room and per origin, and says which it took", async () => {
    const keep = (origin: string, ids: string[]) =>
      insertStaged(
        a.db.sql,
        origin,
        999_999,
        ids.map((eventId) => ({ eventId, json: "{}" })),
        { receivedTs: 1, nextTry: Number.MAX_SAFE_INTEGER },
        { perRoom: 3, perOrigin: 2 },
      );
    expect(await keep("x.test", ["$1", "$2", "$3"])).toEqual(["$1", "$2"]);
    expect((await keep("x.test", ["$3", "$2"])).toSorted()).toEqual(["$2"]);
    expect(await keep("y.test", ["$3", "$4"])).toEqual(["$3"]);
    await a.db.sql`DELETE FROM staged_events WHERE room_nid = 999999`;
  });
});

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
