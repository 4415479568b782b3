/** What an event that comes does to the ends of the room's graph. */
import { extremitiesBeside, isBuiltOn } from "./extremities.ts";
import type { StoredEvent } from "../api/index.ts";
import type { Work } from "./room-command.ts";

/**
 * A live event becomes an extremity. One that was missing until now does not: something stands on it, and so on the
 * extremities that it names; these may have come just before it. So it is with one that is rejected, with a place or without.
 */
export async function moveEnds(
  work: Work,
  stored: StoredEvent,
  { isLive, isRejudged }: { readonly isLive: boolean; readonly isRejudged: boolean },
): Promise<void> {
  const { store } = work;
  const beside = await extremitiesBeside(store, work.extremities, stored.event);
  const isWhole = beside.length === work.extremities.length;
  // One that is not accepted is no extremity, but accepted ones may build on it, and so on what it names.
  const mayBeEnd = isLive && stored.status === "accepted";
  if (beside.length === 0 || (isWhole && !mayBeEnd)) {
    if (mayBeEnd) await work.takeUp(stored);
    return;
  }
  const isEnd = !(await isBuiltOn(store, work.room, stored.event, isRejudged));
  if (isEnd && mayBeEnd) await work.takeUp(stored);
  if (!isEnd && !isWhole) await work.standOn(beside);
}
