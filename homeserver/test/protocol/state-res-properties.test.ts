import { assert, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventId } from "../../src/protocol/identifiers.ts";
import { ROOM_VERSION_IDS, roomVersion } from "../../src/protocol/room-versions.ts";
import { type StateMap, stateTuple } from "../../src/protocol/state-map.ts";
import { AuthGraph, authDifference, separate } from "../../src/protocol/state-res/index.ts";
import { choicesOf, ForkedRoom, memberMove, USERS } from "./forked-room.ts";

const STEPS = 40;
const RUNS = 12;

/** The forked room of a seed, and the states of some of its branches. */
function forkedRoom(id: string, seed: number): { room: ForkedRoom; branches: StateMap[] } {
  const room = new ForkedRoom(roomVersion(id)!, choicesOf(seed));
  for (let step = 0; step < STEPS; step++) room.step();
  return { room, branches: room.branches() };
}

/** Some orders of the same sets, one of them doubled. */
function reordered(branches: readonly StateMap[]): StateMap[][] {
  const backwards = branches.toReversed();
  return [backwards, [...branches.slice(1), branches[0]!], [...backwards, branches[0]!]];
}

describe.each(ROOM_VERSION_IDS)("resolving a forked room of version %s", (id) => {
  const check = (claim: (room: ForkedRoom, branches: StateMap[]) => void): void => {
    const ofSeed = property(integer(), (seed) => {
      const { room, branches } = forkedRoom(id, seed);
      claim(room, branches);
    });
    assert(ofSeed, { numRuns: RUNS });
  };

  it("gives the same state whatever the order of the branches", () => {
    check((room, branches) => {
      const resolved = new Map(room.resolve(branches));
      for (const order of reordered(branches)) {
        expect(new Map(room.resolve(order))).toEqual(resolved);
      }
    });
  });

  it("keeps what all branches agree on and invents nothing", () => {
    check((room, branches) => {
      const resolved = room.resolve(branches);
      const { unconflicted } = separate(branches, room.version);
      for (const [tuple, eventId] of unconflicted) expect(resolved.get(tuple)).toBe(eventId);
      for (const [tuple, eventId] of resolved) {
        const event = room.events.get(eventId)!;
        expect(stateTuple(event.type, event.stateKey!)).toBe(tuple);
      }
    });
  });

  it("is done once it is done", () => {
    check((room, branches) => {
      const resolved = room.resolve(branches);
      expect(room.resolve([resolved])).toEqual(resolved);
      expect(room.resolve([resolved, new Map(resolved)])).toEqual(resolved);
    });
  });

  it("lets a ban outlive whatever the banned user does on another branch", () => {
    check((room) => {
      if (room.version.stateResolution === "v1") return;
      const fork = room.last;
      const ban = someBan(room, fork);
      if (ban === undefined) return;
      // v2.1 plays older events again, in the order of their senders' power: where the ban rests on what somebody else
      // did, such as a join that bob vouched for, the banned user's acts may come before that, and so before the ban.
      if (room.version.stateResolution === "v2.1" && restsOnOthers(room, ban)) return;
      let branch = fork;
      for (let step = 0; step < 10; step++) branch = room.stepAs(ban.target, branch) ?? branch;
      const before = room.stateAfter.get(fork)!;
      const afterBan = room.stateAfter.get(ban.eventId)!;
      const resolved = room.resolve([afterBan, room.stateAfter.get(branch)!]);
      expect(resolved.get(stateTuple("m.room.member", ban.target))).toBe(ban.eventId);
      // v2.1 plays older events again, and a clock that is wrong may put an act in front of the ban.
      if (room.version.stateResolution === "v2.1") return;
      for (const [tuple, eventId] of resolved) {
        if (before.get(tuple) !== eventId && eventId !== ban.eventId) {
          expect(room.events.get(eventId)!.sender).not.toBe(ban.target);
        }
      }
    });
  });

  it("finds the auth difference and the subgraph that walking set by set finds", () => {
    check((room, branches) => {
      if (room.version.stateResolution === "v1") return;
      const { unconflicted, conflicted } = separate(branches, room.version);
      const graph = new AuthGraph();
      graph.grow(room.events.keys(), (eventId) => room.events.get(eventId)?.authEventIds);
      const sets = branches.map((branch) =>
        [...conflicted.keys()].map((tuple) => branch.get(tuple)).filter((e) => e !== undefined),
      );
      const found = authDifference(graph, room.version, sets, unconflicted.values());
      expect(new Set(found)).toEqual(walkedDifference(room, branches, sets.flat()));
    });
  });
});

interface Ban {
  readonly eventId: EventId;
  readonly target: string;
}

/** Somebody but who bans and who is banned has a part in the ban's auth chain. */
function restsOnOthers(room: ForkedRoom, { eventId, target }: Ban): boolean {
  const { sender } = room.events.get(eventId)!;
  const senders = [...chainOf(room, [eventId])].map((id) => room.events.get(id)!.sender);
  return senders.some((one) => one !== sender && one !== target);
}

/** The first ban that the rules allow after an event. */
function someBan(room: ForkedRoom, head: EventId): Ban | undefined {
  for (const sender of USERS) {
    for (const target of USERS) {
      const eventId = room.send([head], memberMove(sender, target, "ban"));
      if (eventId !== undefined) return { eventId, target };
    }
  }
  return undefined;
}

function chainOf(room: ForkedRoom, roots: Iterable<EventId>): Set<EventId> {
  const chain = new Set<EventId>(roots);
  for (const id of chain) {
    for (const authId of room.lookUp(id)?.authEventIds ?? []) chain.add(authId);
  }
  return chain;
}

function walkedDifference(
  room: ForkedRoom,
  branches: readonly StateMap[],
  conflicted: readonly EventId[],
): Set<EventId> {
  const chains = branches.map((branch) => chainOf(room, branch.values()));
  const found = new Set(chains.flatMap((chain) => [...chain]));
  for (const id of found) {
    if (chains.every((chain) => chain.has(id))) found.delete(id);
  }
  if (room.version.stateResolution !== "v2.1") return found;
  const ends = new Set(conflicted);
  for (const id of chainOf(room, conflicted)) {
    if ([...chainOf(room, [id])].some((below) => ends.has(below))) found.add(id);
  }
  return found;
}
