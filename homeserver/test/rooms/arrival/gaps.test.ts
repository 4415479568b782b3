import { beforeEach, describe, expect, test } from "vitest";
import type { RoomEvent } from "../../../src/protocol/events/event.ts";
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { roomVersion } from "../../../src/protocol/room-versions.ts";
import type { RemoteState } from "../../../src/rooms/fetching/remote-state-roots.ts";
import { eventFrom } from "../../protocol/abridged-event.ts";
import { createShared, MemoryServer } from "./memory-server.ts";

const FOUNDER = "@founder:alpha";
const version = roomVersion("11")!;

let server: MemoryServer;
let opening: RoomEvent[];
let auth: string[];
let serial = 0;

function event(type: string, prev: readonly RoomEvent[], content: JsonObject = {}, key?: string) {
  return eventFrom(
    {
      roomId: "!room:alpha",
      type,
      sender: FOUNDER,
      content,
      originServerTs: serial++,
      prevEvents: prev.map(({ eventId }) => eventId),
      authEvents: auth,
      depth: 1 + Math.max(0, ...prev.map(({ depth }) => depth)),
      stateKey: key,
    },
    version,
  );
}

const topic = (...prev: RoomEvent[]) => event("m.room.topic", prev, {}, "");

beforeEach(async () => {
  auth = [];
  const room = { nid: 1, roomId: "!room:alpha" as RoomId, version };
  server = new MemoryServer("beta", createShared(room));
  const create = event("m.room.create", [], { room_version: "11" }, "");
  auth = [create.eventId];
  const join = event("m.room.member", [create], { membership: "join" }, FOUNDER);
  opening = [create, join];
  auth = [create.eventId, join.eventId];
  for (const one of opening) await server.receive(one);
});

const ends = () => new Set(server.extremities.map((one) => one.event.eventId));

/** The state before an event, as another server tells it. */
async function openingState(): Promise<RemoteState> {
  const state = await server.store.state.all(server.stateRoot);
  return { beforePrev: new Map(), beforeEvent: state.map((stored) => stored.event.eventId) };
}

describe("what comes after something that builds on it", () => {
  test("is no end of the graph, and takes what it builds on along", async () => {
    const first = topic(opening[1]!);
    const second = topic(first);
    const third = topic(second);
    const remoteState = await openingState();
    const { position } = await server.receive(third, { remoteState });
    expect(ends()).toEqual(new Set([opening[1]!.eventId, third.eventId]));
    // Nothing tells yet that the third stands on the first.
    await server.receive(first);
    expect(ends()).toEqual(new Set([third.eventId, first.eventId]));
    await server.receive(second, { history: { position: position!, ordinal: -1 } });
    expect(ends()).toEqual(new Set([third.eventId]));
    expect(server.stateRoot).toBe(server.stored(third.eventId)!.stateAfter);
  });

  test("takes what it builds on along over history that came before it", async () => {
    const first = topic(opening[1]!);
    const second = topic(first);
    const third = topic(second);
    const fourth = topic(third);
    const { position } = await server.receive(fourth, { remoteState: await openingState() });
    await server.receive(first);
    await server.receive(second, { history: { position: position!, ordinal: -2 } });
    expect(ends()).toEqual(new Set([first.eventId, fourth.eventId]));
    await server.receive(third, { history: { position: position!, ordinal: -1 } });
    expect(ends()).toEqual(new Set([fourth.eventId]));
  });

  test("is none, although it comes as news", async () => {
    const first = topic(opening[1]!);
    const second = topic(first);
    await server.receive(second, { remoteState: await openingState() });
    await server.receive(first);
    expect(ends()).toEqual(new Set([second.eventId]));
  });

  test("is one, when it's another branch", async () => {
    const first = topic(opening[1]!);
    const second = topic(first);
    const other = topic(opening[1]!);
    await server.receive(second, { remoteState: await openingState() });
    await server.receive(other);
    expect(ends()).toEqual(new Set([second.eventId, other.eventId]));
  });

  test("leaves the ends alone when it is history that nothing here builds on", async () => {
    const tip = topic(opening[1]!);
    await server.receive(tip);
    const forged = event("m.room.message", [tip]);
    await server.receive(forged, { history: { position: 1, ordinal: -1 } });
    expect(ends()).toEqual(new Set([tip.eventId]));
  });
});
