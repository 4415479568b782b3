import type { StoredEvent } from "../api/index.ts";

/**
 * Limit on characters of events of one room in an answer: 1000 events of maximal size would be 64
 * MB, held several times.
 */
const MAX_EVENT_TEXT = 4 * 1024 * 1024;

/** How many of the first events stay within the limit; at least one. */
export function countWithin(events: Iterable<StoredEvent>, max: number = MAX_EVENT_TEXT): number {
  let [count, length] = [0, 0];
  for (const { event } of events) {
    length += event.json().length;
    if (length > max && count > 0) break;
    count += 1;
  }
  return count;
}
