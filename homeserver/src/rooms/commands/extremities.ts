/** Which forward extremities remain when an event is added to a room's graph. */
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { isStoodOn, namedBy } from "../../storage/rooms/gaps.ts";
import type { CommandStore } from "./command-store.ts";
import type { Room, StoredEvent } from "../api/index.ts";

/**
 * At most this many extremities count: a new local event names all of them as prev events, and they
 * are resolved to the current state. Further ones wait until one of these is replaced. So a fork of
 * hundreds of branches costs no more than one of twenty.
 */
export const MAX_COUNTED = 20;
/**
 * At most this many extremities are kept. Beyond that, an event becomes one only when another event
 * builds on it.
 */
const MAX_KEPT = 1_000;

/** The extremities that count: the oldest ones. */
export function counted(extremities: readonly StoredEvent[]): readonly StoredEvent[] {
  return extremities.length <= MAX_COUNTED ? extremities : extremities.slice(0, MAX_COUNTED);
}

/**
 * The extremities with the event in place of those missing from `remaining`: it takes the position
 * of the first of these.
 */
export function withExtremity(
  extremities: readonly StoredEvent[],
  remaining: readonly StoredEvent[],
  event: StoredEvent,
): readonly StoredEvent[] {
  if (remaining.length === extremities.length && remaining.length >= MAX_KEPT) return extremities;
  const at = extremities.findIndex((one, i) => one !== remaining[i]);
  return remaining.toSpliced(at === -1 ? remaining.length : at, 0, event);
}

/**
 * Whether an accepted event that arrived earlier builds on this one, directly or over events that
 * are not accepted. That happens when this event was missing until now or, with `isRejudged`, was
 * rejected. Then neither it nor its prev events are forward extremities.
 */
export async function isBuiltOn(
  store: CommandStore,
  room: Room,
  { eventId }: RoomEvent,
  isRejudged: boolean,
): Promise<boolean> {
  const coming = store.pending.graph();
  if (coming.byAccepted.includes(eventId)) return true;
  const stored = await namedBy(store.sql, room.nid, eventId);
  if (stored.accepted) return true;
  const mayBe =
    isRejudged || stored.refused || coming.byRefused.some(([, prev]) => prev === eventId);
  return mayBe && isStoodOn(store.sql, room.nid, eventId, coming);
}

/**
 * How many rejected events, or events of history, are walked down at most: a stranger could send a
 * long line of them.
 */
const MAX_WALKED = 2_000;

/**
 * The extremities that remain when the event is added: those that it neither names nor reaches over
 * events that cannot be extremities (soft-failed, rejected or history). Otherwise an ancestor of
 * the event would be resolved against it like another branch. (Server-server API, "Soft failure".)
 */
export async function extremitiesNotReachedFrom(
  store: CommandStore,
  extremities: readonly StoredEvent[],
  event: RoomEvent,
): Promise<readonly StoredEvent[]> {
  const left = new Map<EventId, StoredEvent>(extremities.map((one) => [one.event.eventId, one]));
  let level: readonly EventId[] = event.prevEventIds;
  const seen = new Set(level);
  for (const id of level) left.delete(id);
  while (left.size > 0 && level.length > 0 && seen.size <= MAX_WALKED) {
    const none = [...(await store.events.byIds(level)).values()].filter(isNoEnd);
    level = none.flatMap((stored) => stored.event.prevEventIds).filter((id) => !seen.has(id));
    for (const id of level) {
      seen.add(id);
      left.delete(id);
    }
  }
  return extremities.filter((one) => left.has(one.event.eventId));
}

function isNoEnd({ status, ordinal }: StoredEvent): boolean {
  return status !== "accepted" || ordinal < 0;
}
