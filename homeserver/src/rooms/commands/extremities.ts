/** Which ends of a room's graph are left when an event is put on it. */
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { isStoodOn, namedBy } from "../../storage/rooms/gaps.ts";
import type { CommandStore } from "./command-store.ts";
import type { Room, StoredEvent } from "../api/index.ts";

/**
 * So many extremities count: a new event of this server names them all, and the current state is what they resolve
 * to. Further ones wait until an event takes those up, so that a fork of hundreds costs no more than one of these.
 */
export const MAX_COUNTED = 20;
/** More extremities than this are not kept: an event is none then, until another one builds on it. */
const MAX_KEPT = 1_000;

/** The extremities that count: those that were here first. */
export function counted(extremities: readonly StoredEvent[]): readonly StoredEvent[] {
  return extremities.length <= MAX_COUNTED ? extremities : extremities.slice(0, MAX_COUNTED);
}

/** The extremities with the event in place of those that it leaves out of `beside`: it takes the first one's turn. */
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
 * Whether an accepted event that came earlier stands on this one, itself or over events that are not accepted: it was
 * missing then, or `isRejudged`: rejected. Then it's no end of the graph, and neither is what it builds on.
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

/** A stranger's line of refused events, or of history, is walked down so far, at most. */
const MAX_WALKED = 2_000;

/**
 * The extremities that stay extremities beside an event: neither named by it nor reached from it over events that are
 * none themselves, because they were soft-failed or rejected, or came as history. Otherwise something that the event builds on would be
 * resolved with it, as if it were another branch. (Server-server API, "Soft failure".)
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
