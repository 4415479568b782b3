/** What a hostile server can do: nothing to other rooms, and nothing without bounds. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import { parseLoose } from "../../../src/protocol/json.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { forger } from "../support/forge.ts";
import { createWorld } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

/** WEFT_TEST_HOSTILE=1 sends ten times as much. */
const BAD_PDUS = process.env["WEFT_TEST_HOSTILE"] ? 10_000 : 1_000;

let world: World;
let a: TestServer;
let h: TestServer;
let alice: Actor;
let mallory: Actor;
/** Where the hostile server is. */
let roomId: RoomId;
/** Where it isn't. */
let quiet: RoomId;

beforeAll(async () => {
  world = createWorld();
  a = await world.server("a.test");
  h = await world.server("h.test");
  alice = a.user("alice");
  mallory = h.user("mallory");
});
beforeEach(async () => {
  world.reset();
  roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
  quiet = await a.rooms.create.room(alice, { preset: "private_chat" });
  await h.rooms.members.join({ by: mallory, room: roomId, via: [a.name] });
  await world.flush();
});
afterAll(() => world.close());

/** As it comes from the wire: numbers that can't be read are kept as such. */
function onWire(text: string): JsonObject {
  return parseLoose(text) as JsonObject;
}

function copy(event: RoomEvent): JsonObject {
  return onWire(event.json());
}

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

async function sendTimes(count: number): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < count; i += 1) {
    const type = "m.room.message";
    await a.rooms.send.message({ by: alice, roomId: quiet, type, content: { body: `quiet ${i}` } });
  }
  return (performance.now() - started) / count;
}

/** How long sending in the quiet room takes beside the hostile work, in terms of what it takes alone. */
async function beside(work: Promise<unknown>): Promise<void> {
  let isOver = false;
  const over = work.finally(() => (isOver = true));
  const times: number[] = [];
  while (!isOver) times.push(await sendTimes(10));
  await over;
  const alone = await sendTimes(50);
  const during = times.reduce((sum, ms) => sum + ms, 0) / Math.max(times.length, 1);
  console.info(`a send in another room: ${(during / alone).toFixed(1)} times as long meanwhile`);
  expect(times.length).toBeGreaterThan(0);
}

async function stateOf(server: TestServer, id: RoomId): Promise<EventId[]> {
  const state = await server.rooms.view.currentState((await server.rooms.view.room(id))!.nid);
  return state.map(({ event }) => event.eventId).toSorted();
}

async function count(table: "events" | "staged_events"): Promise<number> {
  const [row] = await a.db.sql<{ n: number }[]>`SELECT count(*) AS n FROM ${a.db.sql(table)}`;
  return row!.n;
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
    const own = await h.rooms.create.room(mallory, { preset: "public_chat" });
    await a.rooms.members.join({ by: alice, room: own, via: [h.name] });
    await world.flush();
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

  test("offers a chain of missing events without end: a few requests, and other servers' events go on", async () => {
    const forge = await forger(h, roomId, mallory);
    const quietServer = await world.server(`b${Math.random().toString(36).slice(2)}.test`);
    const bob = quietServer.user("bob");
    await quietServer.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
    await world.flush();
    let made = 0;
    const next = (depth: number): RoomEvent =>
      forge({ prev: [`$unknown${made++}`], depth, content: { body: `chain ${made}` } });
    const tips = Array.from({ length: 40 }, (_, i) => next(1_000 + i));
    let asked = 0;
    world.pretend(h, "missingEvents", async () => {
      asked += 1;
      return { events: Array.from({ length: 60 }, (_, i) => copy(next(900 + i))) };
    });
    for (const call of ["stateIds", "state", "event", "eventAuth"] as const) {
      world.pretend(h, call, async () => {
        asked += 1;
        return {};
      });
    }
    const hostile = Promise.all(tips.map((tip) => a.rooms.federation.receive(h.name, [copy(tip)])));
    const type = "m.room.message";
    const sent = quietServer.rooms.send.message({ by: bob, roomId, type, content: { body: "hi" } });
    const eventId = await sent;
    await world.flush();
    expect((await a.rooms.view.eventsById([eventId])).get(eventId)?.status).toBe("accepted");
    await hostile;
    console.info(`${asked} requests for ${tips.length} tips`);
    expect(asked).toBeLessThan(tips.length * 12);
    expect(await count("staged_events")).toBeLessThanOrEqual(1_000);
  }, 180_000);

  test("does not answer about one room: its events in another room are helped meanwhile", async () => {
    const other = await a.rooms.create.room(alice, { preset: "public_chat" });
    await h.rooms.members.join({ by: mallory, room: other, via: [a.name] });
    await world.flush();
    const said: EventId[] = [];
    await world.lose(async () => {
      for (const body of ["first", "second"]) {
        const type = "m.room.message";
        said.push(
          await h.rooms.send.message({ by: mallory, roomId: other, type, content: { body } }),
        );
      }
    });
    const second = (await h.rooms.view.eventsById(said)).get(said[1]!)!.event;
    let release: () => void = () => undefined;
    const silence = new Promise<void>((resolve) => (release = resolve));
    world.pretend(h, "missingEvents", async (honest, room) => {
      if (room === roomId) await silence;
      return honest();
    });
    const forge = await forger(h, roomId, mallory);
    const lacking = Array.from({ length: 3 }, (_, i) => copy(forge({ prev: [`$nowhere${i}`] })));
    const held = lacking.map((pdu) => a.rooms.federation.receive(h.name, [pdu]));
    await a.rooms.federation.receive(h.name, [copy(second)]);
    const found = await a.rooms.view.eventsById(said);
    expect([...found.values()].map(({ status }) => status)).toEqual(["accepted", "accepted"]);
    release();
    await Promise.all(held);
    await a.db.sql`DELETE FROM staged_events`;
  });

  test("sends more events that nobody can place than are kept: it's told, and the rest goes on", async () => {
    const forge = await forger(h, roomId, mallory);
    world.cut(a, h);
    const results: JsonObject[] = [];
    for (let from = 0; from < 1_100; from += 50) {
      const pdus = Array.from({ length: 50 }, (_, i) =>
        copy(forge({ prev: [`$nowhere${from + i}`], content: { body: `${from + i}` } })),
      );
      results.push(...Object.values(await a.rooms.federation.receive(h.name, pdus)));
    }
    expect(results.filter((result) => "error" in result)).toHaveLength(100);
    const room = (await a.rooms.view.room(roomId))!;
    const [row] = await a.db.sql<{ n: number }[]>`
      SELECT count(*) AS n FROM staged_events WHERE room_nid = ${room.nid}`;
    expect(row?.n).toBe(1_000);
    world.heal();
    const good = forge({ content: { body: "good" } });
    expect(await a.rooms.federation.receive(h.name, [copy(good)])).toEqual({ [good.eventId]: {} });
    await a.db.sql`DELETE FROM staged_events`;
  }, 180_000);

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

  test("offers a hundred thousand events of history: a page is taken", async () => {
    const said: EventId[] = [];
    await world.lose(async () => {
      for (let i = 0; i < 30; i += 1) {
        const type = "m.room.message";
        said.push(
          await h.rooms.send.message({ by: mallory, roomId, type, content: { body: `${i}` } }),
        );
      }
    });
    const found = await h.rooms.view.eventsById(said);
    const last = found.get(said.at(-1)!)!.event;
    world.pretend(h, "missingEvents", async () => ({ events: [] }));
    await a.rooms.federation.receive(h.name, [copy(last)]);
    const forge = await forger(h, roomId, mallory);
    const before = await count("events");
    const offer = Array.from({ length: 100_000 }, (_, i) =>
      i < 200 ? copy(forge({ content: { body: `offer ${i}` }, depth: 3 })) : { i },
    );
    world.pretend(h, "backfill", async () => ({ pdus: offer }));
    await a.rooms.history.messages(alice, roomId, { dir: "b", limit: 100 });
    expect((await count("events")) - before).toBeLessThanOrEqual(1_000);
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
