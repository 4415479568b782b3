import { describe, expect, it } from "vitest";
import type { EventId } from "../../src/protocol/identifiers.ts";
import { ROOM_VERSION_IDS, roomVersion } from "../../src/protocol/room-versions.ts";
import { type StateMap, splitTuple, stateTuple } from "../../src/protocol/state-map.ts";
import {
  AuthGraph,
  authDifference,
  resolveConflict,
  resolveStateMaps,
  separate,
  tuplesRead,
} from "../../src/protocol/state-res/index.ts";
import { choicesOf, ForkedRoom, FOUNDER, memberMove } from "./forked-room.ts";

const TOPIC = stateTuple("m.room.topic", "");

function roomWith(id: string, steps: number, seed: number): ForkedRoom {
  const room = new ForkedRoom(roomVersion(id)!, choicesOf(seed));
  for (let step = 0; step < steps; step++) room.step();
  return room;
}

function topic(room: ForkedRoom, on: EventId, text: string, sender = FOUNDER): EventId {
  const content = { topic: text };
  return room.send([on], { type: "m.room.topic", stateKey: "", sender, content })!;
}

describe.each(ROOM_VERSION_IDS)("a conflict in version %s", (id) => {
  it("is resolved as the whole states are, by what it names as needed", () => {
    for (let seed = 0; seed < 20; seed++) {
      const room = roomWith(id, 40, seed);
      const branches = room.branches();
      const { unconflicted, conflicted } = separate(branches, room.version);
      const graph = new AuthGraph();
      graph.grow(room.events.keys(), (eventId) => room.events.get(eventId)?.authEventIds);
      const sets = branches.map((branch) =>
        [...conflicted.keys()].flatMap((tuple) => branch.get(tuple) ?? []),
      );
      const difference = authDifference(graph, room.version, sets, unconflicted.values());
      const known = needed(room, unconflicted, [...sets.flat(), ...difference]);
      const resolved = resolveConflict({
        version: room.version,
        conflicted,
        unconflicted: (tuple) => unconflicted.get(tuple),
        authDifference: difference,
        events: (eventId) => (known.has(eventId) ? room.events.get(eventId) : undefined),
      });
      const expected = new Map(room.resolve(branches));
      expect(new Map([...unconflicted, ...resolved])).toEqual(expected);
    }
  });

  it("between one state and itself is none", () => {
    const room = roomWith(id, 20, 7);
    const state = room.stateAfter.get(room.last)!;
    expect(new Map(room.resolve([state]))).toEqual(new Map(state));
    expect(new Map(room.resolve([state, state]))).toEqual(new Map(state));
    expect(room.resolve([]).size).toBe(0);
  });

  it("leaves out events that nobody has", () => {
    const room = new ForkedRoom(roomVersion(id)!, choicesOf(1));
    const first = topic(room, room.last, "one");
    const state = room.stateAfter.get(first)!;
    const other = new Map([...state, [TOPIC, "$unknown" as EventId]]);
    expect(room.resolve([state, other]).get(TOPIC)).toBe(first);
  });
});

/** The events that StateConflict asks for. */
function needed(room: ForkedRoom, unconflicted: StateMap, conflict: EventId[]): Set<EventId> {
  const events = conflict.map((eventId) => room.events.get(eventId)!);
  const roots = [...conflict];
  for (const tuple of tuplesRead(events, room.version)) {
    const [type] = splitTuple(tuple);
    const eventId = unconflicted.get(tuple);
    if (eventId !== undefined) roots.push(eventId);
    if (type === "m.room.create") roots.push([...room.events.keys()][0]!);
  }
  const known = new Set(roots);
  const chained = [...conflict, unconflicted.get(stateTuple("m.room.power_levels", ""))];
  const chain = new Set(chained.filter((eventId) => eventId !== undefined));
  for (const eventId of chain) {
    known.add(eventId);
    for (const authId of room.events.get(eventId)!.authEventIds) chain.add(authId);
  }
  return known;
}

describe("a rejected auth event", () => {
  // Bob is banned on one branch; on the other he invites Dan to the closed room, who joins.
  it.each(["2", "11", "12"])("lets nobody in, in version %s", (id) => {
    const room = new ForkedRoom(roomVersion(id)!, choicesOf(3));
    const [alice, bob, dan] = ["@alice:alpha", "@bob:beta", "@dan:beta"] as const;
    const rule = { join_rule: "invite" };
    const type = "m.room.join_rules";
    const closed = room.send([room.last], { type, stateKey: "", sender: FOUNDER, content: rule })!;
    const ban = room.send([closed], memberMove(alice, bob, "ban"))!;
    const invite = room.send([closed], memberMove(bob, dan, "invite"))!;
    const join = room.send([invite], memberMove(dan, dan, "join"))!;
    const states = [room.stateAfter.get(ban)!, room.stateAfter.get(join)!];
    const outcome = (isRejected?: (eventId: EventId) => boolean): EventId | undefined => {
      const state = resolveStateMaps(room.version, states, room.lookUp, isRejected);
      return state.get(stateTuple("m.room.member", dan));
    };
    expect(outcome()).toBe(join);
    expect(outcome((eventId) => eventId === invite)).toBeUndefined();
  });
});
