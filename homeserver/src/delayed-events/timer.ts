/** Takes delayed events when they are due, on whichever replica comes first. */
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import {
  deleteOldFinalised,
  leaveToOthers,
  type DelayedEventRow,
  nextDueEvent,
  takeDueEvents,
} from "../storage/delayed-events.ts";
import type { Sql } from "../storage/sql.ts";
import type { Sending } from "./sending.ts";

/** Events that are taken at once; those of one room are sent one after another. */
const AT_ONCE = 16;
/** Events that are being sent, at most: a room that is slow holds up no others. */
const MAX_RUNNING = 96;
/** An event that is being sent is left to this replica so long. */
export const CLAIM_MS = 10_000;
/** What other replicas have scheduled, or left when they ended, is noticed within this time. */
const LOOK_MS = 2_000;
/** How long one can read what became of an event, and how often older ones are cleared away. */
const KEEP_MS = 7 * 86_400_000;
const CLEAR_EVERY_MS = 3_600_000;

export interface Timer {
  /** Something is due at that time, ms since 1970, perhaps before all others. */
  expect(dueTs: number): void;
  stop(): Promise<void>;
}

export function startTimer(deps: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sending: Sending;
}): Timer {
  const { sql, clock, logger, sending } = deps;
  const stopping = new AbortController();
  let wake = new AbortController();
  /** Until when it sleeps, ms since 1970. */
  let sleepsUntil = 0;
  let clearAt = 0;

  /** Rooms in which events are being sent. */
  const busy = new Map<string, Promise<void>>();
  let running = 0;

  async function sendOf(roomId: string, rows: readonly DelayedEventRow[]): Promise<void> {
    const left: string[] = [];
    for (const row of rows) {
      if (stopping.signal.aborted) left.push(row.delayId);
      else await sending.due(row);
      running -= 1;
    }
    try {
      if (left.length > 0) await leaveToOthers(sql, left, clock.now());
    } catch (err) {
      logger.warn({ err }, "delayed events are left to others when they are not claimed any more");
    }
    busy.delete(roomId);
    wake.abort("a room is free");
  }

  /** False: nothing is due that can be sent now. */
  async function sendDue(): Promise<boolean> {
    const limit = Math.min(AT_ONCE, MAX_RUNNING - running);
    if (limit <= 0) return false;
    const now = clock.now();
    const claim = { now, until: now + CLAIM_MS, limit, busyRooms: [...busy.keys()] };
    const rows = await takeDueEvents(sql, claim);
    running += rows.length;
    for (const [roomId, ofRoom] of Map.groupBy(rows, (row: DelayedEventRow) => row.roomId)) {
      busy.set(roomId, sendOf(roomId, ofRoom));
    }
    return rows.length > 0;
  }

  async function clear(): Promise<void> {
    if (clock.now() < clearAt) return;
    clearAt = clock.now() + CLEAR_EVERY_MS;
    await deleteOldFinalised(sql, clock.now() - KEEP_MS);
  }

  async function work(): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      wake = new AbortController();
      sleepsUntil = clock.now() + LOOK_MS;
      try {
        if (await sendDue()) continue;
        await clear();
        // What is due in rooms that are busy is taken when they are free.
        const next = (await nextDueEvent(sql, [...busy.keys()])) ?? sleepsUntil;
        if (running < MAX_RUNNING) sleepsUntil = Math.min(sleepsUntil, next);
      } catch (err) {
        if (signal.aborted) return;
        logger.error({ err }, "delayed events are not sent for a moment");
      }
      // Never quite without a pause, whatever the clocks of replicas say.
      const pause = Math.max(sleepsUntil - clock.now(), 5);
      await clock.sleep(pause, AbortSignal.any([signal, wake.signal]));
    }
  }

  const working = work();
  return {
    expect(dueTs) {
      if (dueTs < sleepsUntil) wake.abort("something is due");
    },
    async stop() {
      stopping.abort(new Error("the server stops"));
      await working;
      await Promise.all(busy.values());
    },
  };
}
