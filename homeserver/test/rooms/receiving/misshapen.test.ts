/** What is no event, or hardly one, in a transaction and in a state: it is named, and what stands beside it is taken. */
import { describe, expect, test } from "vitest";
import { buildEvent } from "../../../src/protocol/events/build-event.ts";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import { canonicalJsonLoose, parseLoose } from "../../../src/protocol/json.ts";
import type { Json, JsonObject } from "../../../src/protocol/json.ts";
import { forger, type Forgery, newest } from "../support/forge.ts";
import { resealed } from "../support/reseal.ts";
import { startServers } from "../support/servers.ts";

const [world, alpha, beta] = await startServers("alpha", "beta");
const [alice, bob] = [alpha.user("alice"), beta.user("bob")];

async function sharedRoom(version: string): Promise<RoomId> {
  const options = { preset: "public_chat", room_version: version } as const;
  const roomId = await alpha.rooms.create.room(alice, options);
  await beta.rooms.members.join({ by: bob, room: roomId, via: [alpha.name] });
  await world.flush();
  return roomId;
}

const nested = (levels: number): Json =>
  parseLoose(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`);

/** An event of bob's that canonical JSON may forbid, hashed and signed as it is. */
async function forged(roomId: RoomId, forgery: Forgery): Promise<RoomEvent> {
  const room = (await beta.rooms.view.room(roomId))!;
  const good = (await forger(beta, roomId, bob))({ type: "org.example.good" });
  return buildEvent(
    {
      roomId,
      type: forgery.type ?? "m.room.message",
      ...(forgery.stateKey === undefined ? {} : { stateKey: forgery.stateKey }),
      sender: bob.userId,
      content: forgery.content ?? {},
      depth: good.depth,
      originServerTs: Date.now(),
      prevEventIds: good.prevEventIds,
      authEventIds: good.authEventIds,
    },
    { ...room.version, strictCanonicalJson: false },
    beta.name,
    beta.key,
  );
}

const wire = (event: RoomEvent) => parseLoose(canonicalJsonLoose(event.pdu)) as JsonObject;

/** Sends the event beside a good one. */
async function tell(roomId: RoomId, bad: RoomEvent) {
  const good = (await forger(beta, roomId, bob))({ content: { body: "beside" } });
  const results = await alpha.rooms.federation.receive(beta.name, [wire(bad), wire(good)]);
  expect(results[good.eventId]).toEqual({});
  expect((await newest(alpha, roomId))?.event.eventId).toBe(good.eventId);
  return results[bad.eventId] as { error?: string } | undefined;
}

describe("a transaction's answer names", () => {
  test.each([
    ["an event of 1001 levels", { content: { deep: nested(999) } }, "nested"],
    ["one of 9000 levels", { content: { deep: nested(9000) } }, "nested"],
    ["one with a fraction", { content: parseLoose('{"x":0.5}') as JsonObject }, "0.5"],
  ] satisfies [string, Forgery, string][])("%s", async (_name, forgery, reason) => {
    const roomId = await sharedRoom("12");
    expect((await tell(roomId, await forged(roomId, forgery)))?.error).toContain(reason);
  });

  test("what is too misshapen to have an id in no way", async () => {
    const roomId = await sharedRoom("12");
    const pdu = { ...wire(await forged(roomId, {})), content: [] };
    expect(await alpha.rooms.federation.receive(beta.name, [pdu])).toEqual({});
  });
});

test("an event of 1000 levels is one like others", async () => {
  const roomId = await sharedRoom("12");
  const event = await forged(roomId, { content: { deep: nested(998) } });
  expect(await alpha.rooms.federation.receive(beta.name, [wire(event)])).toEqual({
    [event.eventId]: {},
  });
  const stored = (await newest(alpha, roomId))!;
  expect(stored.event.eventId).toBe(event.eventId);
  expect(stored.status).toBe("accepted");
});

test("a state that 998 levels are in is joined with all of it", async () => {
  const roomId = await alpha.rooms.create.room(alice, { preset: "public_chat" });
  const content = { deep: nested(900) } as JsonObject;
  await alpha.rooms.send.state({
    by: alice,
    roomId,
    type: "org.example.deep",
    stateKey: "",
    content,
  });
  await beta.rooms.members.join({ by: bob, room: roomId, via: [alpha.name] });
  const room = (await beta.rooms.view.room(roomId))!;
  expect(await beta.rooms.view.currentStateEvent(room.nid, "org.example.deep", "")).toBeDefined();
});

describe("a state key of 200 characters in 400 bytes", () => {
  const key = { type: "org.example.state", stateKey: "é".repeat(200) };
  const overlong = async (roomId: RoomId) => {
    const room = (await beta.rooms.view.room(roomId))!;
    const event = await forged(roomId, { ...key, stateKey: "short" });
    // Ours are never that long: sealed by hand.
    const pdu = { ...event.pdu, state_key: key.stateKey };
    return resealed(pdu, room.version, beta);
  };

  test("makes a rejected event in version 10: it has its place, and sets no state", async () => {
    const roomId = await sharedRoom("10");
    const event = await overlong(roomId);
    expect(await alpha.rooms.federation.receive(beta.name, [wire(event)])).toHaveProperty([
      event.eventId,
    ]);
    const stored = (await alpha.rooms.view.eventsById([event.eventId])).get(event.eventId);
    expect(stored?.status).toBe("rejected");
    const room = (await alpha.rooms.view.room(roomId))!;
    const found = await alpha.rooms.view.currentStateEvent(room.nid, key.type, key.stateKey);
    expect(found).toBeUndefined();
  });

  test("makes no event in version 11", async () => {
    const roomId = await sharedRoom("11");
    const event = await overlong(roomId);
    const results = await alpha.rooms.federation.receive(beta.name, [wire(event)]);
    expect(results[event.eventId]).toEqual({ error: "state_key has over 255 bytes" });
    expect((await alpha.rooms.view.eventsById([event.eventId])).size).toBe(0);
  });
});
