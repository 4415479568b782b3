/** Filters by relations: `related_by_rel_types` and `related_by_senders`. */
import { asksForRelations, matchesRelations, type Filter } from "../../protocol/filter.ts";
import { isUserId } from "../../protocol/identifiers.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { isIndexable } from "../../protocol/text.ts";
import { relatedTo } from "../../storage/rooms/relations.ts";
import { rootOfBytes } from "../records/events.ts";
import type { VisibleEvents } from "./visible-events.ts";
import type { IgnoredBy } from "./without-ignored.ts";
import type { RoomStore } from "../state/store.ts";
import type { VisibleEvent } from "../api/index.ts";

/**
 * The events that have relations matching the filter, in the given order; all when the filter does
 * not ask. Relations that the reader may not see, or whose sender they ignore, do not count.
 * (Client-server API, "Filtering".)
 */
export type Related = (
  userId: UserId,
  filter: Filter | undefined,
  events: readonly VisibleEvent[],
) => Promise<readonly VisibleEvent[]>;

export function createRelated(deps: {
  readonly store: RoomStore;
  readonly visibleEvents: VisibleEvents;
  readonly ignoredBy: IgnoredBy;
}): Related {
  return async (userId, filter, events) => {
    if (filter === undefined || !asksForRelations(filter) || events.length === 0) return events;
    // Strings that cannot be relation types or users match nothing.
    const relTypes = filter.relatedByRelTypes && [...filter.relatedByRelTypes].filter(isIndexable);
    const senders = filter.relatedBySenders && [...filter.relatedBySenders].filter(isUserId);
    const ignored = [...(await deps.ignoredBy(userId))].filter(isUserId);
    const by = { relTypes, senders, ignored };
    const rooms = [...Map.groupBy(events, ({ stored }) => stored.roomNid)];
    const found = await Promise.all(
      rooms.map(async ([roomNid, ofRoom]) => {
        const ids = ofRoom.map(({ stored }) => stored.event.eventId);
        const rows = await relatedTo(deps.store.sql, roomNid, ids, by);
        const placed = rows.map((row) => ({
          ...{ ...row, roomNid },
          stateBefore: rootOfBytes(row.stateBefore),
        }));
        return deps.visibleEvents.among(userId, placed);
      }),
    );
    const children = Map.groupBy(found.flat(), (row) => row.target);
    return events.filter(({ stored }) =>
      matchesRelations(filter, children.get(stored.event.eventId) ?? []),
    );
  };
}
