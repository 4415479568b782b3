import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildEvent } from "../../../src/protocol/events/build-event.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Actor, StoredEvent } from "../../../src/rooms/index.ts";
import { allOf, createWorld } from "../support/world.ts";
import type { TestServer, World } from "../support/world.ts";

let world: World;
let a: TestServer;
let b: TestServer;
let alice: Actor;
let bob: Actor;
let roomId: RoomId;

beforeAll(async () => {
  world = createWorld();
  a = await world.server("a.test");
  b = await world.server("b.test");
  alice = a.user("alice");
  bob = b.user("bob");
});
beforeEach(async () => {
  world.reset();
  roomId = await a.rooms.create.room(alice, { preset: "public_chat" });
  await b.rooms.members.join({ by: bob, room: roomId, via: [a.name] });
  await world.flush();
});
afterAll(() => world.close());

interface Forgery {
  readonly type?: string;
  readonly stateKey?: string;
  readonly sender?: string;
  readonly content?: JsonObject;
  readonly prev?: readonly string[];
  readonly auth?: readonly string[];
  readonly roomId?: string;
  readonly depth?: number;
  readonly signer?: TestServer;
}

/** An event as b might make it, with whatever is to be wrong about it. */
async function forge(forgery: Forgery): Promise<RoomEvent> {
  const room = await b.rooms.view.room(roomId);
  const state = await b.rooms.view.currentState(room!.nid);
  const sender = forgery.sender ?? bob.userId;
  const selected = state.filter(
    ({ event }) =>
      event.type === "m.room.power_levels" ||
      (event.type === "m.room.member" && event.stateKey === sender),
  );
  const tip = (await tips(a))[0] as StoredEvent;
  const signer = forgery.signer ?? b;
  return buildEvent(
    {
      roomId: forgery.roomId ?? roomId,
      type: forgery.type ?? "m.room.message",
      ...(forgery.stateKey === undefined ? {} : { stateKey: forgery.stateKey }),
      sender,
      content: forgery.content ?? { body: "forged" },
      depth: forgery.depth ?? tip.event.depth + 1,
      originServerTs: Date.now(),
      prevEventIds: forgery.prev ?? [tip.event.eventId],
      authEventIds: forgery.auth ?? selected.map(({ event }) => event.eventId),
    },
    room!.version,
    signer.name,
    signer.key,
  );
}

async function tips(server: TestServer): Promise<StoredEvent[]> {
  const room = await server.rooms.view.room(roomId);
  const page = await server.rooms.history.timeline(room!.nid, { limit: 1 });
  return page.events;
}

async function send(pdu: JsonObject): Promise<Record<string, JsonObject>> {
  return a.rooms.federation.receive(b.name, [pdu]);
}

async function statusOf(eventId: EventId): Promise<string | undefined> {
  return (await a.rooms.view.eventsById([eventId])).get(eventId)?.status;
}

async function eventOf(user: Actor, eventId: EventId): Promise<JsonObject> {
  return JSON.parse(await a.rooms.history.event(user, roomId, eventId)) as JsonObject;
}

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
    const otherRoom = await a.rooms.create.room(alice, { preset: "public_chat" });
    await b.rooms.members.join({ by: bob, room: otherRoom, via: [a.name] });
    await world.flush();
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
    expect((await tips(a))[0]?.event.content.body).not.toBe("forged");
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
    const [tip] = await tips(a);
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
    expect((await tips(a))[0]?.event.eventId).toBe(second.eventId);
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

describe("redactions across servers", () => {
  test("take effect whichever comes first", async () => {
    const eventId = await b.rooms.send.message({
      by: bob,
      roomId,
      type: "m.room.message",
      content: { body: "regret" },
    });
    const redactionId = await b.rooms.send.redact({ by: bob, roomId, eventId });
    const found = await b.rooms.view.eventsById([redactionId]);
    const redaction = found.get(redactionId)!.event;
    await world.flush();
    expect((await eventOf(alice, eventId)).content).toEqual({});
    expect(redaction.redacts).toBe(eventId);

    const late = await forge({ content: { body: "late" } });
    const early = await forge({
      type: "m.room.redaction",
      content: { redacts: late.eventId },
      depth: late.depth,
    });
    await send(early.pdu);
    await send(late.pdu);
    expect((await eventOf(alice, late.eventId)).content).toEqual({});
  });

  test("of another server's events need the power", async () => {
    const eventId = await a.rooms.send.message({
      by: alice,
      roomId,
      type: "m.room.message",
      content: { body: "stays" },
    });
    await world.flush();
    const event = await forge({ type: "m.room.redaction", content: { redacts: eventId } });
    await send(event.pdu);
    expect((await eventOf(alice, eventId)).content).toEqual({ body: "stays" });
  });
});

describe("answers to other servers", () => {
  test("give state, ids, auth chains and single events to members only", async () => {
    const { federation } = a.rooms;
    const eventId = await a.rooms.send.message({
      by: alice,
      roomId,
      type: "m.room.message",
      content: { body: "x" },
    });
    const ids = await federation.stateIds(b.name, roomId, eventId);
    const whole = await federation.state(b.name, roomId, eventId);
    expect(await allOf(whole.pdus)).toHaveLength(ids.pduIds.length);
    expect(await allOf(whole.authChain)).toHaveLength(ids.authChainIds.length);
    expect(ids.pduIds.length + ids.authChainIds.length).toBeGreaterThan(6);
    expect(JSON.parse(await federation.event(b.name, eventId)).content).toEqual({ body: "x" });
    const auth = await federation.eventAuth(b.name, roomId, eventId);
    expect(auth.length).toBeGreaterThanOrEqual(2);
    const stranger = "c.test" as typeof b.name;
    await expect(federation.stateIds(stranger, roomId, eventId)).rejects.toMatchObject({
      status: 403,
    });
    await expect(federation.event(stranger, eventId)).rejects.toMatchObject({ status: 403 });
    const unknown = "$unknown" as EventId;
    await expect(federation.state(b.name, roomId, unknown)).rejects.toMatchObject({ status: 404 });
  });

  test("refuse joins of a version that the other can't, of foreign users, and of forged events", async () => {
    const { federation } = a.rooms;
    const ben = b.user("ben").userId;
    await expect(federation.makeJoin(b.name, roomId, ben, ["1"])).rejects.toMatchObject({
      errcode: "M_INCOMPATIBLE_ROOM_VERSION",
    });
    await expect(
      federation.makeJoin(b.name, roomId, a.user("abe").userId, ["12"]),
    ).rejects.toMatchObject({ status: 403 });
    const message = await forge({});
    await expect(
      federation.sendJoin(b.name, roomId, message.eventId, message.pdu),
    ).rejects.toMatchObject({ status: 400 });
    const join = await forge({
      type: "m.room.member",
      stateKey: ben,
      sender: ben,
      content: { membership: "join" },
    });
    const wrongId = "$wrong" as EventId;
    await expect(federation.sendJoin(b.name, roomId, wrongId, join.pdu)).rejects.toMatchObject({
      status: 400,
    });
  });

  test("hide what the other server's users may not see", async () => {
    const secret = await a.rooms.create.room(alice, {
      preset: "public_chat",
      initial_state: [
        { type: "m.room.history_visibility", content: { history_visibility: "joined" } },
      ],
    });
    const hidden = await a.rooms.send.message({
      by: alice,
      roomId: secret,
      type: "m.room.message",
      content: { body: "hidden" },
    });
    await b.rooms.members.join({ by: bob, room: secret, via: [a.name] });
    expect(JSON.parse(await a.rooms.federation.event(b.name, hidden)).content).toEqual({});
    const page = await a.rooms.federation.backfill(b.name, secret, [hidden], 10);
    expect(page.join()).not.toContain("hidden");
  });
});
