/**
 * Joins that other servers have been sent. They may send what happens in the room before it is
 * built here, and to any replica: `receiving/receive.ts` stages it while a join is under way.
 */
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { insertJoinUnderWay, removeJoinUnderWay } from "../../storage/rooms/staged-events.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Room } from "../api/index.ts";

export interface JoinsUnderWay {
  /** Does the work as a join of the room; then what was staged meanwhile is tried. */
  during<T>(room: Room, work: () => Promise<T>): Promise<T>;
}

export interface JoinsUnderWayDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly retryNow: (room: Room) => Promise<void>;
}

/** Longer than an answer may take to come and to be read: see `bulky` of the federation client. */
const MAX_JOIN_MS = 30 * 60_000;

export function createJoinsUnderWay(deps: JoinsUnderWayDeps): JoinsUnderWay {
  const { sql, clock, logger } = deps;

  async function end(room: Room, id: number): Promise<void> {
    try {
      await removeJoinUnderWay(sql, id);
      await deps.retryNow(room);
    } catch (error) {
      // The mark ends by itself; the staged events are tried again later.
      logger.warn({ err: error, room: room.roomId }, "the end of a join could not be noted");
    }
  }

  return {
    async during(room, work) {
      const now = clock.now();
      const until = now + MAX_JOIN_MS;
      const id = await insertJoinUnderWay(sql, { roomNid: room.nid, now, until });
      try {
        return await work();
      } finally {
        await end(room, id);
      }
    },
  };
}
