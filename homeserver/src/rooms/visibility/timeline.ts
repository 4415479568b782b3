/** Ranges of a room's timeline as events. */
import { recentEvents, timelineBackwards, timelineForwards } from "../../storage/rooms/timeline.ts";
import type { PlaceRow, RecentRange } from "../../storage/rooms/timeline.ts";
import { shareQuery } from "../../storage/shared-query.ts";
import type { RoomStore } from "../state/store.ts";
import type {
  LiveEvents,
  LiveRange,
  StoredEvent,
  TimelinePage,
  TimelinePlace,
} from "../api/index.ts";

export interface Timelines {
  /** Events at or before `from` and after `to`, newest first. */
  backwards(
    roomNid: number,
    from: TimelinePlace | undefined,
    to: TimelinePlace | undefined,
    limit: number,
  ): Promise<TimelinePage>;
  /** Events after `from`, up to and including `to`, oldest first. */
  forwards(
    roomNid: number,
    from: TimelinePlace | undefined,
    to: TimelinePlace | undefined,
    limit: number,
  ): Promise<TimelinePage>;
  /**
   * The newest live events of a range, oldest first; `gapAt`: position of the newest one that
   * follows a gap. Concurrent calls share one query.
   */
  recent(range: LiveRange, limit: number): Promise<LiveEvents>;
}

export function createTimelines(store: RoomStore): Timelines {
  const recentRows = shareQuery((ranges: readonly RecentRange[]) =>
    recentEvents(store.sql, ranges),
  );

  async function page(rows: readonly PlaceRow[], limit: number): Promise<TimelinePage> {
    return { events: await load(rows.slice(0, limit)), more: rows.length > limit };
  }

  async function load(rows: readonly PlaceRow[]): Promise<StoredEvent[]> {
    const found = await store.events.byNids(rows.map((row) => row.nid));
    // Another replica may have added an outlier to the graph since it was cached here.
    const moved = rows.filter((row) => {
      const event = found.get(row.nid);
      return event?.position !== row.position || event.ordinal !== row.ordinal;
    });
    if (moved.length > 0) {
      for (const { nid } of moved) {
        const outdated = found.get(nid);
        if (outdated !== undefined) store.events.forget(outdated.event.eventId);
      }
      const again = await store.events.byNids(moved.map((row) => row.nid));
      for (const [nid, event] of again) found.set(nid, event);
    }
    return rows.flatMap((row) => found.get(row.nid) ?? []);
  }

  return {
    backwards: async (roomNid, from, to, limit) =>
      page(await timelineBackwards(store.sql, roomNid, from, to, limit + 1), limit),
    forwards: async (roomNid, from, to, limit) =>
      page(await timelineForwards(store.sql, roomNid, from, to, limit + 1), limit),
    async recent(range, limit) {
      const rows = await recentRows({ ...range, limit: limit + 1 });
      const found = await store.events.byNids(rows.map((row) => row.nid));
      const events = rows.slice(0, limit).flatMap((row) => found.get(row.nid) ?? []);
      const gapAt = rows[0]?.gapAt ?? undefined;
      return { events: events.toReversed(), limited: rows.length > limit, gapAt };
    },
  };
}
