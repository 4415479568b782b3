/** Completes partial rooms in the background, on one replica at a time, also after a restart. */
import type { Clock } from "../../platform/clock.ts";
import { frugally } from "../../platform/heap.ts";
import type { Logger } from "../../platform/logger.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import {
  nextPartialDue,
  partialRoomsByNids,
  partialRoomsDue,
  postponePartial,
  removePartial,
} from "../../storage/rooms/partial-rooms.ts";
import type { PartialRoomRow } from "../../storage/rooms/partial-rooms.ts";
import { eventsByNids } from "../../storage/rooms/events.ts";
import { serverIsJoined } from "../../storage/rooms/members.ts";
import { type Leases, whileLeader } from "../../storage/leases.ts";
import type { FetchState } from "./fetch-state.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room, StoredEvent } from "../api/index.ts";

export interface ResyncDeps {
  readonly store: RoomStore;
  readonly serverName: ServerName;
  readonly fetchState: FetchState;
  /** `join` has its complete states. */
  readonly complete: (
    room: Room,
    join: StoredEvent,
    answer: { readonly servers: readonly ServerName[] },
  ) => Promise<void>;
  /** No local user is in the room any more: a later join brings the state again. */
  readonly abandon: (room: Room, row: PartialRoomRow) => Promise<void>;
  /** The room is complete: what waited for that continues. */
  readonly completed: (room: Room) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Given when there are several replicas. */
  readonly leases: Leases | undefined;
}

export interface Resync {
  /** Call it when a room has become partial. */
  nudge(): void;
  stop(): Promise<void>;
}

const LEASE = "partial rooms";
const MAX_CONCURRENT_ROOMS = 2;
const FIRST_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 10 * 60_000;
/** Another replica may have joined a room without telling this one. */
const MAX_SLEEP_MS = 10_000;
const STOP_MS = 3_000;

export function startResync(deps: ResyncDeps): Resync {
  const { store, clock, logger, leases } = deps;
  const stopping = new AbortController();
  const failures = new Map<number, number>();
  let wake = new AbortController();

  async function resync(row: PartialRoomRow): Promise<void> {
    const room = (await store.registry.byNids([row.roomNid])).get(row.roomNid);
    // Read from the tables: another replica may have fetched the state since it was cached.
    const [join] = await store.events.load(eventsByNids(store.sql, [row.joinNid]));
    if (room === undefined) return removePartial(store.sql, row.roomNid);
    if (join === undefined || !(await serverIsJoined(store.sql, room.nid, deps.serverName))) {
      return deps.abandon(room, row);
    }
    const whole = row.fetched ? join : await deps.fetchState(room, row, join);
    // A user who left and rejoined meanwhile has brought another state.
    const [now] = await partialRoomsByNids(store.sql, [room.nid]);
    if (now?.joinNid !== row.joinNid) return;
    await deps.complete(room, whole, { servers: row.servers as ServerName[] });
    logger.info({ room: room.roomId }, "the state of a room is whole");
    await deps.completed(room);
  }

  async function attempt(row: PartialRoomRow): Promise<void> {
    try {
      await frugally(() => resync(row));
      failures.delete(row.roomNid);
    } catch (error) {
      if (stopping.signal.aborted) return;
      const failed = failures.get(row.roomNid) ?? 0;
      failures.set(row.roomNid, failed + 1);
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** failed, MAX_PAUSE_MS);
      logger.warn({ err: error, roomNid: row.roomNid }, "a room could not be completed yet");
      await postponePartial(store.sql, row.roomNid, clock.now() + pause);
    }
  }

  async function sleep(signal: AbortSignal): Promise<void> {
    const due = await nextPartialDue(store.sql);
    const ms = due === undefined ? MAX_SLEEP_MS : due - clock.now();
    const over = AbortSignal.any([signal, wake.signal]);
    await clock.sleep(Math.min(Math.max(ms, 0), MAX_SLEEP_MS), over);
  }

  async function resyncDue(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        wake = new AbortController();
        const rows = await partialRoomsDue(store.sql, clock.now(), MAX_CONCURRENT_ROOMS);
        if (rows.length === 0) await sleep(signal);
        await Promise.all(rows.map(attempt));
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ err: error }, "partial rooms could not be read");
        await clock.sleep(FIRST_PAUSE_MS, signal);
      }
    }
  }

  const running = whileLeader(leases, LEASE, stopping.signal, resyncDue).catch((error: unknown) => {
    logger.error({ err: error }, "partial rooms are not completed any more");
  });
  return {
    nudge: () => wake.abort(),
    async stop() {
      stopping.abort();
      await Promise.race([running, clock.sleep(STOP_MS)]);
    },
  };
}
