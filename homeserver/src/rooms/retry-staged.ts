/** Tries staged events again when they are due: on one replica at a time, rooms beside one another and in turn. */
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { eventFromStored } from "../protocol/event.ts";
import type { EventId, ServerName } from "../protocol/identifiers.ts";
import { serverIsJoined } from "../storage/room-members.ts";
import type { Seats } from "../storage/seats.ts";
import {
  hastenStaged,
  nextStagedDue,
  removeStaged,
  roomsWithStaged,
  stagedInRoom,
} from "../storage/staged-events.ts";
import type { Staging } from "./staging.ts";
import type { RoomStore } from "./store.ts";
import type { Room } from "./types.ts";

export interface RetryStagedDeps {
  readonly store: RoomStore;
  readonly staging: Staging;
  readonly serverName: ServerName;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Given when there are several replicas. */
  readonly seats: Seats | undefined;
}

const SEAT = "staged events";
const ROOMS_AT_ONCE = 4;
const EVENTS_AT_ONCE = 50;
/** Another replica may have staged something that this one was not told of. */
const LONGEST_SLEEP_MS = 30_000;
const AFTER_ERROR_MS = 5_000;
const STOP_MS = 3_000;

/** Begins at once; what an earlier process left is due at the start. Answers what ends it. */
export function retryStaged(deps: RetryStagedDeps): () => Promise<void> {
  const { store, staging, clock, logger, seats } = deps;
  const stopping = new AbortController();
  let wake = new AbortController();
  staging.onDue(() => wake.abort());

  async function retryRoom(room: Room): Promise<void> {
    const rows = await stagedInRoom(store.sql, room.nid, clock.now(), EVENTS_AT_ONCE);
    if (!(await serverIsJoined(store.sql, room.nid, deps.serverName))) {
      await removeStaged(
        store.sql,
        rows.map((row) => row.eventId),
      );
      return;
    }
    const attempts = new Map(rows.map((row) => [row.eventId as EventId, row.attempts]));
    for (const [origin, ofOrigin] of Map.groupBy(rows, (row) => row.origin)) {
      if (stopping.signal.aborted) return;
      const events = ofOrigin.map((row) =>
        eventFromStored(row.json, room.version, row.eventId as EventId),
      );
      await staging.attempt(origin as ServerName, room, events, attempts);
    }
  }

  async function sleep(signal: AbortSignal): Promise<void> {
    const due = await nextStagedDue(store.sql);
    const ms = due === undefined ? LONGEST_SLEEP_MS : due - clock.now();
    await clock.sleep(
      Math.min(Math.max(ms, 0), LONGEST_SLEEP_MS),
      AbortSignal.any([signal, wake.signal]),
    );
  }

  async function work(signal: AbortSignal): Promise<void> {
    if (seats === undefined) await hastenStaged(store.sql, clock.now());
    while (!signal.aborted) {
      try {
        wake = new AbortController();
        const nids = await roomsWithStaged(store.sql, clock.now(), ROOMS_AT_ONCE);
        const rooms = await store.registry.byNids(nids);
        if (rooms.size === 0) await sleep(signal);
        await Promise.all([...rooms.values()].map(retryRoom));
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ err: error }, "staged events could not be read");
        await clock.sleep(AFTER_ERROR_MS, signal);
      }
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const seat = await seats?.take(SEAT, stopping.signal);
      if (seats !== undefined && seat === undefined) return;
      const signals = seat === undefined ? [] : [seat.lost];
      await work(AbortSignal.any([stopping.signal, ...signals]));
      await seat?.leave();
    }
  }

  const running = run().catch((error: unknown) => {
    logger.error({ err: error }, "staged events are not tried again any more");
  });
  return async () => {
    stopping.abort();
    await Promise.race([running, clock.sleep(STOP_MS)]);
  };
}
