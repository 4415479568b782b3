/**
 * Positions of backfilled events in the timeline: in front of the event that lacked them, with
 * falling ordinals. Events fetched from the middle of a gap are placed far below that event, to
 * leave space for what lies between.
 */
import { lowestOrdinal, ordinalBelow, ordinalBehind } from "../../storage/rooms/timeline.ts";
import type { Gap } from "../../storage/rooms/timeline.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room, TimelinePlace } from "../api/index.ts";

export interface BackfillOrdinals {
  /** The ordinal below which `count` events go that directly precede the gap's child. */
  under(room: Room, gap: Gap, count: number): Promise<number>;
  /**
   * The position below which `count` events go, the newest of which has that depth; undefined:
   * there is no gap for them.
   */
  within(
    room: Room,
    gaps: readonly Gap[],
    depth: number,
    count: number,
  ): Promise<TimelinePlace | undefined>;
}

/** The space left between an event and history from farther back. */
const DISTANCE = 2 ** 20;
/** Ordinals are 32-bit integers. */
const LOWEST = -(2 ** 31) + 2 * DISTANCE;

export function createBackfillOrdinals({ sql }: RoomStore): BackfillOrdinals {
  async function ordinalBelowWithSpace(
    room: Room,
    position: number,
    ordinal: number,
    count: number,
  ): Promise<number> {
    const below = await ordinalBelow(sql, room.nid, position, ordinal);
    if (below === undefined || ordinal - below > count) return ordinal;
    return lowestOrdinal(sql, room.nid, position);
  }

  return {
    under: (room, gap, count) => ordinalBelowWithSpace(room, gap.position, gap.ordinal, count),

    async within(room, gaps, depth, count) {
      // Ordered from the newest to the oldest.
      const gap = gaps.findLast((one) => one.depth > depth) ?? gaps[0];
      if (gap === undefined) return undefined;
      const { position } = gap;
      const behind = await ordinalBehind(sql, room.nid, position, depth);
      const high = Math.min(behind ?? gap.ordinal, gap.ordinal);
      const low = await ordinalBelow(sql, room.nid, position, high);
      const middle = low === undefined ? high - DISTANCE : Math.floor((low + high) / 2);
      const fits = middle > LOWEST && (low === undefined || middle - low > count);
      if (fits) return { position, ordinal: middle };
      return { position, ordinal: await ordinalBelowWithSpace(room, position, high, count) };
    },
  };
}
