import type { StoredEvent } from "../api/index.ts";

/**
 * Characters of events that an answer holds of one room: 1000 of the largest would be 64 MB, held
 * several times over.
 */
const MAX_EVENT_TEXT = 4 * 1024 * 1024;

/** How many of the events, from the first on, come to no more than that; at least one. */
export function countWithin(events: Iterable<StoredEvent>, most: number = MAX_EVENT_TEXT): number {
  let [count, length] = [0, 0];
  for (const { event } of events) {
    length += event.json().length;
    if (length > most && count > 0) break;
    count += 1;
  }
  return count;
}
