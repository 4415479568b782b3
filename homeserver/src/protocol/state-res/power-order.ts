import type { RoomEvent } from "../events/event.ts";
import { createEventIdOf, type EventId } from "../identifiers.ts";
import { compareCodePoints } from "../json.ts";
import { PowerLevels } from "../events/power-levels.ts";
import { Heap } from "./heap.ts";

type Lookup = (eventId: EventId) => RoomEvent | undefined;

/**
 * True for events that may take away somebody's ability to do something. (Version 2, "Power
 * events".)
 */
function isPowerEvent({ type, stateKey, sender, content }: RoomEvent): boolean {
  if (type === "m.room.power_levels" || type === "m.room.join_rules") return stateKey === "";
  if (type !== "m.room.member" || stateKey === undefined) return false;
  return (content.membership === "leave" || content.membership === "ban") && sender !== stateKey;
}

/**
 * The power events among these and what authorises them among these, in reverse topological power
 * ordering: auth events first; of events that are free to go, the one whose sender has most power,
 * then the oldest, then by event id. Every server walks auth chains inside the given set only, so
 * that an event outside cuts the way; so does this. (Room version 2, "Algorithm", step 1.)
 */
export function powerOrder(
  conflicted: ReadonlyMap<EventId, RoomEvent>,
  events: Lookup,
): RoomEvent[] {
  const selected = withAuthorisers(conflicted);
  const ordered = selected
    .map((event) => ({ event, level: senderLevel(event, events) }))
    .toSorted((a, b) => compareLevels(b.level, a.level) || compareByAge(a.event, b.event))
    .map(({ event }) => event);
  return topological(ordered);
}

/** Older first, then by event id. */
export function compareByAge(a: RoomEvent, b: RoomEvent): number {
  return a.originServerTs - b.originServerTs || compareCodePoints(a.eventId, b.eventId);
}

// A subtraction would make NaN of two creators' infinite levels.
function compareLevels(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function withAuthorisers(conflicted: ReadonlyMap<EventId, RoomEvent>): RoomEvent[] {
  const selected = new Set([...conflicted.values()].filter(isPowerEvent));
  // A Set's iteration also visits what is added on the way.
  for (const event of selected) {
    for (const id of event.authEventIds) {
      const authoriser = conflicted.get(id);
      if (authoriser !== undefined) selected.add(authoriser);
    }
  }
  return [...selected];
}

/** Kahn's algorithm; of the events that are free to go, the first in `ranked` goes first. */
function topological(ranked: readonly RoomEvent[]): RoomEvent[] {
  const rankOf = new Map(ranked.map((event, rank) => [event.eventId, rank]));
  const dependents: number[][] = ranked.map(() => []);
  const waitsFor = new Int32Array(ranked.length);
  ranked.forEach((event, rank) => {
    for (const id of new Set(event.authEventIds)) {
      const authRank = rankOf.get(id);
      if (authRank === undefined) continue;
      dependents[authRank]!.push(rank);
      waitsFor[rank]!++;
    }
  });
  const free = new Heap();
  waitsFor.forEach((count, rank) => count === 0 && free.push(rank));
  const sorted: RoomEvent[] = [];
  for (let rank = free.pop(); rank !== undefined; rank = free.pop()) {
    sorted.push(ranked[rank]!);
    for (const dependent of dependents[rank]!) {
      if (--waitsFor[dependent]! === 0) free.push(dependent);
    }
  }
  return sorted;
}

/** The level of an event's sender by the event's own auth events. */
function senderLevel(event: RoomEvent, events: Lookup): number {
  const auth = event.authEventIds.map(events);
  const named = (type: string): RoomEvent | undefined =>
    auth.find((candidate) => candidate?.type === type && candidate.stateKey === "");
  const create = event.version.roomIdIsCreateHash
    ? events(createEventIdOf(event.roomId))
    : named("m.room.create");
  return PowerLevels.of(named("m.room.power_levels"), create, event.version).userLevel(
    event.sender,
  );
}
