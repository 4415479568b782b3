import { beforeEach, describe, expect, test } from "vitest";
import { createManualClock, systemClock } from "../../../src/platform/clock.ts";
import type { ManualClock } from "../../../src/platform/clock.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { loadHead } from "../../../src/storage/rooms/heads.ts";
import { forger, newest } from "../support/forge.ts";
import type { TestServer } from "../support/world.ts";
import { openWorld } from "../support/servers.ts";

const world = openWorld();
const clock = createManualClock(Date.now());
// Its pauses between events of a room with too many ends are real ones.
const sleep: ManualClock["sleep"] = (ms, signal) =>
  (ms < 100 ? systemClock : clock).sleep(ms, signal);
const a = await world.server("a.test", { clock: { ...clock, sleep } });
const b = await world.server("b.test");
const [alice, bob] = [a.user("alice"), b.user("bob")];
let roomId: RoomId;
beforeEach(async () => {
  world.reset();
  roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  const levels = await a.rooms.history.stateEvent(alice.userId, roomId, "m.room.power_levels", "");
  await a.rooms.send.state({
    ...{ by: alice, roomId, type: "m.room.power_levels", stateKey: "" },
    content: { ...levels.event.content, users: { [bob.userId]: 90 } },
  });
  await world.flush();
});

/** Bob's server forks the room: each state event is an end of its own. */
async function bomb(count: number): Promise<RoomEvent[]> {
  const forge = await forger(b, roomId, bob);
  const events = Array.from({ length: count }, (_, i) =>
    forge({ type: "org.example.note", stateKey: `${i % 100}`, content: { i } }),
  );
  for (let from = 0; from < count; from += 50) {
    const pdus = events.slice(from, from + 50).map((event) => event.pdu);
    await a.rooms.federation.receive(b.name, JSON.parse(JSON.stringify(pdus)));
  }
  return events;
}

async function extremities(server: TestServer = a): Promise<number> {
  const room = await server.rooms.view.room(roomId);
  return (await loadHead(server.db.sql, room!.nid))!.extremities.length;
}

async function say(body: string): Promise<EventId> {
  return a.rooms.send.message({
    ...{ by: alice, roomId, type: "m.room.message", content: { body } },
  });
}

async function notes(server: TestServer): Promise<Map<string, EventId>> {
  const room = await server.rooms.view.room(roomId);
  const state = await server.rooms.view.currentState(room!.nid, { types: ["org.example.note"] });
  return new Map(state.map(({ event }) => [event.stateKey!, event.eventId]));
}

describe("forward extremities", () => {
  test("a fork of hundreds is kept, and costs no more than one of twenty", async () => {
    const started = performance.now();
    await bomb(500);
    console.info(`500 extremities: ${((performance.now() - started) / 500).toFixed(1)} ms each`);
    expect(await extremities()).toBe(500);
    expect((await notes(a)).size).toBe(20);
  });

  test("a local event names twenty, and its state before is theirs", async () => {
    await bomb(30);
    const eventId = await say("among many");
    const stored = (await a.rooms.view.eventsById([eventId])).get(eventId)!;
    expect(stored.event.prevEventIds).toHaveLength(20);
    const before = await a.rooms.view.stateAt(stored.stateBefore, { types: ["org.example.note"] });
    const named = before.map(({ event }) => event.eventId).toSorted();
    expect(named).toEqual(stored.event.prevEventIds.toSorted());
    expect(await extremities()).toBe(11);
    expect((await notes(a)).size).toBe(30);
  });

  test("are merged by an event of a local user, and every server comes to the same state", async () => {
    await bomb(130);
    await world.flush();
    clock.advance(60_000);
    await expect.poll(() => extremities()).toBe(1);
    await world.flush();
    expect(await extremities(b)).toBe(1);
    expect(await notes(b)).toEqual(await notes(a));
    expect((await notes(a)).size).toBe(100);
  });

  test("an event that builds on a waiting one takes its turn", async () => {
    const events = await bomb(30);
    const forge = await forger(b, roomId, bob);
    const child = forge({ prev: [events[25]!.eventId] });
    await a.rooms.federation.receive(b.name, [child.pdu]);
    expect(await extremities()).toBe(30);
    expect((await notes(a)).size).toBe(20);
  });

  test("soft-failed and rejected events are none", async () => {
    const forge = await forger(b, roomId, bob);
    await a.rooms.members.ban({ by: alice, roomId, userId: bob.userId });
    const late = forge({ content: { body: "late" } });
    const forbidden = forge({ type: "m.room.power_levels", stateKey: "", content: {} });
    await a.rooms.federation.receive(b.name, [late.pdu, forbidden.pdu]);
    const found = await a.rooms.view.eventsById([late.eventId, forbidden.eventId]);
    expect(found.get(late.eventId)?.status).toBe("soft-failed");
    expect(await extremities()).toBe(1);
  });

  describe.each(["by its auth events", "by the state before it"])("rejected %s", (how) => {
    test.each([
      ["rejected", "accepted", "missing"],
      ["accepted", "missing", "rejected"],
      ["missing", "accepted", "rejected"],
      ["accepted", "rejected", "missing"],
    ] as const)(
      "nor is one on which an accepted one stands over a rejected one: %s, %s, %s",
      async (...order) => {
        const { levels, join } = await lower(bob);
        const forge = await forger(b, roomId, bob);
        const tip = (await newest(a, roomId))!.event.eventId;
        const missing = forge({ content: { body: "missing" } });
        const over = { stateKey: "", prev: [missing.eventId], depth: missing.depth + 1 };
        // By the levels from before, the topic was bob's to set.
        const rejected =
          how === "by its auth events"
            ? forge({ ...over, type: "m.room.power_levels", content: {} })
            : forge({ ...over, type: "m.room.topic", auth: [levels, join] });
        const accepted = forge({ prev: [rejected.eventId, tip], depth: missing.depth + 2 });
        const events = { missing, rejected, accepted };
        const room = await a.rooms.view.room(roomId);
        const state = await a.rooms.view.currentState(room!.nid);
        const ids = state.map(({ event }) => event.eventId);
        world.pretend(b, "missingEvents", async () => ({ events: [] }));
        world.pretend(b, "event", async (_honest, id) => ({
          pdus: Object.values(events).flatMap((event) => (event.eventId === id ? [event.pdu] : [])),
        }));
        world.pretend(b, "stateIds", async () => ({
          ...{ pdu_ids: ids, auth_chain_ids: [...ids, levels] },
        }));
        for (const name of order) await a.rooms.federation.receive(b.name, [events[name].pdu]);
        const found = await a.rooms.view.eventsById(Object.values(events).map((e) => e.eventId));
        for (const [name, event] of Object.entries(events)) {
          const { status } = found.get(event.eventId)!;
          expect(status, name).toBe(name === "rejected" ? "rejected" : "accepted");
        }
        expect(found.get(missing.eventId)!.stateAfter).not.toBeNull();
        expect(await extremities()).toBe(1);
      },
    );
  });
});

/** Takes the user's power away. Answers the event that had given it, and the user's join. */
async function lower(user: Actor): Promise<{ levels: EventId; join: EventId }> {
  const { stateEvent } = a.rooms.history;
  const present = await stateEvent(alice.userId, roomId, "m.room.power_levels", "");
  const join = await stateEvent(alice.userId, roomId, "m.room.member", user.userId);
  await a.rooms.send.state({
    ...{ by: alice, roomId, type: "m.room.power_levels", stateKey: "" },
    content: { ...present.event.content, users: { [user.userId]: 0 } },
  });
  await world.flush();
  return { levels: present.event.eventId, join: join.event.eventId };
}
