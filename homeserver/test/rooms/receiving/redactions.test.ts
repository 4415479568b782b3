/** Redactions in every room version: what they do, and those that do nothing. */
import { beforeEach, describe, expect, test } from "vitest";
import { buildEvent } from "../../../src/protocol/events/build-event.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import { ROOM_VERSION_IDS } from "../../../src/protocol/room-versions.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import type { TestServer } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

const [world, a, b] = await startServers("a.test", "b.test");
const [alice, bob] = [a.user("alice"), b.user("bob")];
beforeEach(() => world.reset());

async function roomOf(version: string): Promise<RoomId> {
  const options = { preset: "public_chat", room_version: version } as const;
  const roomId = await a.rooms.create.room(alice, options);
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
  return roomId;
}

const say = (on: TestServer, by: Actor, roomId: RoomId, body: string): Promise<EventId> =>
  on.rooms.send.message({ by, roomId, type: "m.room.message", content: { body } });

/** An event of bob's on a's newest, as his server might make it. */
async function forge(roomId: RoomId, event: { type: string; body?: string; redacts?: string }) {
  const room = (await a.rooms.view.room(roomId))!;
  const state = await a.rooms.view.currentState(room.nid);
  const auth = state.filter(
    ({ event: { type, stateKey } }) =>
      type === "m.room.power_levels" ||
      (type === "m.room.create" && !room.version.roomIdIsCreateHash) ||
      (type === "m.room.member" && stateKey === bob.userId),
  );
  const { events } = await a.rooms.history.timeline(room.nid, { limit: 1 });
  return buildEvent(
    {
      roomId,
      type: event.type,
      sender: bob.userId,
      content: event.body === undefined ? {} : { body: event.body },
      ...(event.redacts === undefined ? {} : { redacts: event.redacts }),
      depth: events[0]!.event.depth + 1,
      originServerTs: Date.now(),
      prevEventIds: [events[0]!.event.eventId],
      authEventIds: auth.map((one) => one.event.eventId),
    },
    room.version,
    b.name,
    b.key,
  );
}

const receive = (event: RoomEvent) =>
  a.rooms.federation.receive(b.name, [JSON.parse(event.json())]);

async function shownIds(roomId: RoomId): Promise<EventId[]> {
  const page = await a.rooms.history.messages(alice, roomId, { dir: "b", limit: 100 });
  return page.chunk.map((text) => JSON.parse(text).event_id);
}

const read = async (roomId: RoomId, eventId: EventId) =>
  JSON.parse(await a.rooms.history.event(alice, roomId, eventId));

describe.each(ROOM_VERSION_IDS)("in room version %s", (version) => {
  test("a redaction by either endpoint names its event where the version wants it, and clients find it in both", async () => {
    const roomId = await roomOf(version);
    const [one, two] = [await say(a, alice, roomId, "one"), await say(a, alice, roomId, "two")];
    const first = await a.rooms.send.redact({ by: alice, roomId, eventId: one, reason: "r" });
    const second = await a.rooms.send.message({
      by: alice,
      roomId,
      type: "m.room.redaction",
      content: { redacts: two, reason: "r" },
    });
    await world.flush();
    for (const [target, redaction] of [
      [one, first],
      [two, second],
    ] as const) {
      for (const on of [a, b]) {
        const stored = (await on.rooms.view.eventsById([redaction])).get(redaction)!.event;
        const isInContent = Number(version) >= 11;
        expect(stored.pdu.redacts).toBe(isInContent ? undefined : target);
        expect(stored.content).toEqual(
          isInContent ? { redacts: target, reason: "r" } : { reason: "r" },
        );
        const redacted = (await on.rooms.view.eventsById([target])).get(target)!.event;
        expect(redacted.content).toEqual({});
      }
      const client = await read(roomId, redaction);
      expect(client).toMatchObject({ redacts: target, content: { redacts: target } });
      expect((await read(roomId, target)).unsigned.redacted_because.event_id).toBe(redaction);
    }
    await expect(
      a.rooms.send.message({ by: alice, roomId, type: "m.room.redaction", content: {} }),
    ).rejects.toMatchObject({ errcode: "M_BAD_JSON" });
  });

  test("one that comes before its event waits for it, unseen", async () => {
    const roomId = await roomOf(version);
    const target = await forge(roomId, { type: "m.room.message", body: "early regret" });
    const redaction = await forge(roomId, { type: "m.room.redaction", redacts: target.eventId });
    expect(await receive(redaction)).toEqual({ [redaction.eventId]: {} });
    const isDecidedByAuth = ["1", "2"].includes(version);
    expect((await shownIds(roomId)).includes(redaction.eventId)).toBe(isDecidedByAuth);
    await receive(target);
    expect((await read(roomId, target.eventId)).content).toEqual({});
    expect(await shownIds(roomId)).toContain(redaction.eventId);
  });

  test("one of an event that is not here is sent by who may redact all, and waits for it", async () => {
    const roomId = await roomOf(version);
    const target = await forge(roomId, { type: "m.room.message", body: "seen elsewhere" });
    const { eventId } = target;
    await expect(b.rooms.send.redact({ by: bob, roomId, eventId })).rejects.toMatchObject({
      ...{ errcode: "M_NOT_FOUND", status: 404 },
    });
    const redaction = await a.rooms.send.redact({ by: alice, roomId, eventId });
    await receive(target);
    expect(await read(roomId, eventId)).toMatchObject({
      content: {},
      unsigned: { redacted_because: { event_id: redaction } },
    });
  });

  test("one that was redacted before it got its place is applied all the same", async () => {
    const roomId = await roomOf(version);
    const target = await forge(roomId, { type: "m.room.message", body: "not for long" });
    const first = await forge(roomId, { type: "m.room.redaction", redacts: target.eventId });
    const second = await forge(roomId, { type: "m.room.redaction", redacts: first.eventId });
    for (const event of [target, second, first]) await receive(event);
    expect((await read(roomId, target.eventId)).content).toEqual({});
  });

  test("one that is not allowed has no effect, and clients are not told of it", async () => {
    const roomId = await roomOf(version);
    const eventId = await say(a, alice, roomId, "stays");
    const redaction = await forge(roomId, { type: "m.room.redaction", redacts: eventId });
    await receive(redaction);
    expect((await read(roomId, eventId)).content).toEqual({ body: "stays" });
    expect(await shownIds(roomId)).not.toContain(redaction.eventId);
    const gone = a.rooms.history.event(alice, roomId, redaction.eventId);
    await expect(gone).rejects.toMatchObject({ status: 404 });
  });

  test("is refused of the create event, and where it comes as state", async () => {
    const roomId = await roomOf(version);
    const room = (await a.rooms.view.room(roomId))!;
    const create = (await a.rooms.view.currentStateEvent(room.nid, "m.room.create", ""))!;
    const { eventId } = create.event;
    await expect(a.rooms.send.redact({ by: alice, roomId, eventId })).rejects.toMatchObject({
      ...{ errcode: "M_FORBIDDEN", status: 403 },
    });
    const content = { redacts: await say(a, alice, roomId, "stays") };
    const asState = { by: alice, roomId, type: "m.room.redaction", stateKey: "", content };
    await expect(a.rooms.send.state(asState)).rejects.toMatchObject({
      ...{ errcode: "M_BAD_JSON", status: 400 },
    });
  });

  test("state that is redacted stays state, with what the version protects", async () => {
    const roomId = await roomOf(version);
    const eventId = await a.rooms.send.state({
      ...{ by: alice, roomId, type: "m.room.topic", stateKey: "", content: { topic: "secret" } },
    });
    const room = (await a.rooms.view.room(roomId))!;
    const member = (await a.rooms.view.currentStateEvent(room.nid, "m.room.member", alice.userId))!;
    await a.rooms.send.redact({ by: alice, roomId, eventId });
    await a.rooms.send.redact({ by: alice, roomId, eventId: member.event.eventId });
    await world.flush();
    for (const on of [a, b]) {
      const there = (await on.rooms.view.room(roomId))!;
      const state = (type: string, key: string) =>
        on.rooms.view.currentStateEvent(there.nid, type, key);
      const topic = (await state("m.room.topic", ""))!;
      expect(topic.event.eventId).toBe(eventId);
      expect(topic.event.content).toEqual({});
      const own = (await state("m.room.member", alice.userId))!;
      expect(own.event.content).toEqual({ membership: "join" });
    }
    await say(a, alice, roomId, "still in");
  });
});
