/** Which ends of a room's graph are left when an event is put on it. */
import type { RoomEvent } from "../protocol/event.ts";
import type { EventId } from "../protocol/identifiers.ts";
import type { RoomStore } from "./store.ts";
import type { StoredEvent } from "./types.ts";

/** A stranger's line of refused events is walked down so far, at most. */
const MAX_WALKED = 1_000;

/**
 * The extremities that stay extremities beside an event: neither named by it nor reached from it over events that are
 * none themselves, because they were soft-failed or rejected. Otherwise something that the event builds on would be
 * resolved with it, as if it were another branch. (Server-server API, "Soft failure".)
 */
export async function extremitiesBeside(
  store: RoomStore,
  extremities: readonly StoredEvent[],
  event: RoomEvent,
): Promise<readonly StoredEvent[]> {
  const left = new Map<EventId, StoredEvent>(extremities.map((one) => [one.event.eventId, one]));
  let level: readonly EventId[] = event.prevEventIds;
  const seen = new Set(level);
  for (const id of level) left.delete(id);
  while (left.size > 0 && level.length > 0 && seen.size <= MAX_WALKED) {
    const refused = [...(await store.events.byIds(level)).values()].filter(
      ({ status }) => status !== "accepted",
    );
    level = refused.flatMap((stored) => stored.event.prevEventIds).filter((id) => !seen.has(id));
    for (const id of level) {
      seen.add(id);
      left.delete(id);
    }
  }
  return extremities.filter((one) => left.has(one.event.eventId));
}
