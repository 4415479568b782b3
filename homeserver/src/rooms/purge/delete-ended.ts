/** Deletes messages that have ended, in the background, on one replica at a time. */
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { RoomId } from "../../protocol/identifiers.ts";
import { type Leases, whileLeader } from "../../storage/leases.ts";
import {
  firstLivingPlace,
  hasEndedInFront,
  hasMessageBefore,
  roomsAfter,
} from "../../storage/rooms/purge-rows.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Lifetimes } from "../visibility/lifetimes.ts";
import type { RetentionRules } from "../visibility/retention-rules.ts";
import type { HistoryPurge, PurgeSteps } from "./steps.ts";

export interface DeleteEndedDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly leases: Leases | undefined;
  readonly rules: RetentionRules;
  readonly lifetimes: Lifetimes;
  readonly steps: Pick<PurgeSteps, "history" | "endHistory">;
  /** Whether a room's state is still being fetched. */
  readonly isPartial: (roomNid: number) => Promise<boolean>;
}

/** Before the first round, so that a start is not busy with it. */
const FIRST_MS = 60_000;
/** Between rounds. Nobody is shown what has ended meanwhile. */
const EVERY_MS = 600_000;
const ROOMS_AT_ONCE = 500;
/** What claims to be from further in the future than clocks differ holds nothing up. */
const CLOCKS_DIFFER_MS = 24 * 3_600_000;

/**
 * Goes through all rooms, and takes out of each the part of its timeline that comes before the
 * first message that has not ended. State stays, and so does the newest event, which the next one
 * has to name. A round that is cut off, wherever that is, is completed by the next.
 */
export function deleteEnded(deps: DeleteEndedDeps): {
  /** One round through all rooms, for tests. */
  round(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
} {
  const { sql, clock, logger, lifetimes, steps } = deps;
  const stopping = new AbortController();

  /** What is to be deleted in a room. `isBegun`: something may be left that is in no timeline. */
  async function dueIn(nid: number, isBegun: boolean): Promise<HistoryPurge | undefined> {
    const lifetime = lifetimes.of(nid);
    if (lifetime === undefined) return undefined;
    const now = clock.now();
    if (!isBegun && !(await hasMessageBefore(sql, nid, now - lifetime))) return undefined;
    if (await deps.isPartial(nid)) return undefined;
    const living = { since: now - lifetime, until: now + CLOCKS_DIFFER_MS };
    const before = await firstLivingPlace(sql, nid, living);
    if (before === undefined) return undefined;
    // The newest event stays, however old it is: there may be nothing else.
    if (!isBegun && !(await hasEndedInFront(sql, nid, before, living))) return undefined;
    return { before, localEvents: true, living };
  }

  async function round(signal: AbortSignal): Promise<void> {
    await lifetimes.refresh();
    for (let after = 0, more = true; more && deps.rules.isOn;) {
      const rooms = await roomsAfter(sql, after, ROOMS_AT_ONCE);
      more = rooms.length === ROOMS_AT_ONCE;
      for (const { nid, isBegun, ...room } of rooms) {
        signal.throwIfAborted();
        after = nid;
        const roomId = room.roomId as RoomId;
        try {
          const due = await dueIn(nid, isBegun);
          if (due !== undefined) await steps.history({ nid, roomId }, due, signal);
          // Whatever has become of the rules since it was cut off.
          else if (isBegun) await steps.endHistory({ nid, roomId });
        } catch (err) {
          if (signal.aborted) return;
          logger.warn({ err, room: roomId }, "messages that have ended were not deleted");
        }
      }
    }
  }

  const running = whileLeader(deps.leases, "retention", stopping.signal, async (signal) => {
    await clock.sleep(FIRST_MS, signal);
    while (!signal.aborted) {
      try {
        if (deps.rules.isOn) await round(signal);
      } catch (err) {
        if (!signal.aborted) logger.warn({ err }, "rooms can't be looked through; trying again");
      }
      await clock.sleep(EVERY_MS, signal);
    }
  });

  return {
    round,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
