/** Retries staged events when they are due: on one replica at a time, several rooms in parallel. */
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { eventFromStored } from "../../protocol/events/event.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { EventId, ServerName } from "../../protocol/identifiers.ts";
import { type Leases, whileLeader } from "../../storage/leases.ts";
import {
  deferStaged,
  makeStagedDue,
  nextStagedDue,
  removeStaged,
  roomsWithStaged,
  stagedInRoom,
  standingIn,
  type StagedRow,
} from "../../storage/rooms/staged-events.ts";
import type { Acl } from "../state/server-acl.ts";
import type { ReceiveOutOfBand } from "./out-of-band-ends.ts";
import type { Staging } from "./staging.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room } from "../api/index.ts";

export interface RetryStagedDeps {
  readonly store: RoomStore;
  readonly staging: Staging;
  readonly serverName: ServerName;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly acl: Acl;
  readonly receiveOutOfBand: ReceiveOutOfBand;
  /** Finishes the rejudging that a killed process left undone. */
  readonly rejudgeRemaining: () => Promise<void>;
  /** Given when there are several replicas. */
  readonly leases: Leases | undefined;
}

const LEASE = "staged events";
const MAX_CONCURRENT_ROOMS = 8;
const MAX_EVENTS = 50;
/** Another replica may have staged something without telling this one. */
const MAX_SLEEP_MS = 30_000;
const AFTER_ERROR_MS = 5_000;
const STOP_MS = 3_000;
/** Who joins looks at what is staged when the room is built; this is for a process that ends before. */
const WHILE_JOINING_MS = 60_000;

export interface RetryStaged {
  /** Tries what is staged in the room now, on this replica. Resolves when that has begun. */
  now(room: Room): Promise<void>;
  stop(): Promise<void>;
}

/** Starts at once; what an earlier process left is due immediately. */
export function retryStaged(deps: RetryStagedDeps): RetryStaged {
  const { store, staging, clock, logger, leases } = deps;
  const stopping = new AbortController();
  /** Rooms being retried. */
  const busy = new Map<number, Promise<void>>();
  let wake = new AbortController();
  staging.onDue(() => wake.abort());

  async function retryRoom(room: Room): Promise<void> {
    const rows = await stagedInRoom(store.sql, room.nid, clock.now(), MAX_EVENTS);
    if (rows.length === 0) return;
    const standing = await standingIn(store.sql, room.nid, deps.serverName, clock.now());
    if (standing === "joining") {
      const now = clock.now();
      return deferStaged(store.sql, room.nid, { now, nextTry: now + WHILE_JOINING_MS });
    }
    if (standing === "outside") return endOutside(room, rows);
    const attempts = new Map(rows.map((row) => [row.eventId as EventId, row.attempts]));
    for (const [origin, ofOrigin] of Map.groupBy(rows, (row) => row.origin)) {
      if (stopping.signal.aborted) return;
      if (!(await deps.acl.allows(room, origin as ServerName))) {
        await remove(ofOrigin);
        continue;
      }
      const events = ofOrigin.map((row) =>
        eventFromStored(row.json, room.version, row.eventId as EventId),
      );
      await staging.attempt(origin as ServerName, room, events, attempts);
    }
  }

  const remove = (rows: readonly StagedRow[]): Promise<void> =>
    removeStaged(
      store.sql,
      rows.map(({ eventId }) => eventId),
    );

  /** This server did not get into the room, or has left: only invites and knocks may end there. */
  async function endOutside(room: Room, rows: readonly StagedRow[]): Promise<void> {
    for (const { origin, json } of rows) {
      const tally = { events: 1, refused: 0 };
      const part = { origin: origin as ServerName, room: room.roomId, results: {}, tally };
      await deps.receiveOutOfBand(part, room, JSON.parse(json) as JsonObject);
    }
    await remove(rows);
  }

  /** A slow room does not hold up the others. */
  function begin(room: Room): void {
    const tried = retryRoom(room)
      .catch((error: unknown) => {
        logger.warn({ err: error, room: room.roomId }, "staged events could not be tried");
        return clock.sleep(AFTER_ERROR_MS, stopping.signal);
      })
      .finally(() => {
        busy.delete(room.nid);
        wake.abort();
      });
    busy.set(room.nid, tried);
  }

  async function sleep(signal: AbortSignal): Promise<void> {
    // When all places are taken, the next room that ends wakes this loop.
    const isFull = busy.size >= MAX_CONCURRENT_ROOMS;
    const due = isFull ? undefined : await nextStagedDue(store.sql, [...busy.keys()]);
    const ms = due === undefined ? MAX_SLEEP_MS : due - clock.now();
    await clock.sleep(
      Math.min(Math.max(ms, 0), MAX_SLEEP_MS),
      AbortSignal.any([signal, wake.signal]),
    );
  }

  async function retryDue(signal: AbortSignal): Promise<void> {
    // Without other replicas, everything left by an earlier process is this one's work.
    let isLeft = leases === undefined;
    let nextRejudged = 0;
    while (!signal.aborted) {
      try {
        wake = new AbortController();
        if (isLeft) await makeStagedDue(store.sql, clock.now());
        isLeft = false;
        if (clock.monotonic() >= nextRejudged) {
          nextRejudged = clock.monotonic() + MAX_SLEEP_MS;
          await deps.rejudgeRemaining();
        }
        const free = MAX_CONCURRENT_ROOMS - busy.size;
        const nids = await roomsWithStaged(store.sql, clock.now(), free, [...busy.keys()]);
        const rooms = await store.registry.byNids(nids);
        for (const room of rooms.values()) begin(room);
        await sleep(signal);
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ err: error }, "staged events could not be read");
        await clock.sleep(AFTER_ERROR_MS, signal);
      }
    }
  }

  const running = whileLeader(leases, LEASE, stopping.signal, retryDue).catch((error: unknown) => {
    logger.error({ err: error }, "staged events are not tried again any more");
  });
  return {
    async now(room) {
      await staging.makeAllDue(room);
      // A try that is under way may have read what was staged before.
      await busy.get(room.nid);
      if (!busy.has(room.nid) && !stopping.signal.aborted) begin(room);
    },
    async stop() {
      stopping.abort();
      await Promise.race([Promise.all([running, ...busy.values()]), clock.sleep(STOP_MS)]);
    },
  };
}
