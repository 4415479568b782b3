/**
 * The staging area: verified events that cannot be added yet are stored in the database before
 * their transaction is answered. They are retried until they are added, refused, or given up.
 */
import type { Clock } from "../../platform/clock.ts";
import { QueueFull } from "../../platform/fair-queue.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Random } from "../../platform/random.ts";
import { LRUCache, atMost } from "../../platform/caches.ts";
import type { RoomEvent } from "../../protocol/events/event.ts";
import type { EventId, ServerName } from "../../protocol/identifiers.ts";
import {
  countStaged,
  makeStagedDue,
  insertStaged,
  postponeStaged,
  removeStaged,
} from "../../storage/rooms/staged-events.ts";
import type { Gaps } from "../fetching/gaps.ts";
import type { Ingest } from "./ingest.ts";
import type { IngestResult } from "./graph-writer.ts";
import type { PduRejections } from "./pdu-rejections.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room } from "../api/index.ts";

export interface StagingDeps {
  readonly store: RoomStore;
  readonly gaps: Gaps;
  readonly ingest: Ingest;
  readonly clock: Clock;
  readonly random: Random;
  readonly rejections: PduRejections;
  readonly logger: Logger;
}

export interface Staging {
  /** Stages verified events. Returns those that were staged; for the others there was no space. */
  keep(origin: ServerName, room: Room, events: readonly RoomEvent[]): Promise<ReadonlySet<EventId>>;
  /**
   * Fetches what staged events lack and adds them. What still cannot be added is retried later, or
   * given up. Never throws. `attempts`: failures so far.
   */
  attempt(
    origin: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    attempts?: ReadonlyMap<EventId, number>,
  ): Promise<void>;
  /** How many events of a server are staged in the room. */
  waiting(origin: ServerName, room: Room): Promise<number>;
  /** Events were added: staged events that wait for them are due now. */
  arrived(room: Room, eventIds: Iterable<EventId>): void;
  /** Everything staged in the room is due now. */
  makeAllDue(room: Room): Promise<void>;
  /** Calls the listener when events may be due earlier than before. */
  onDue(listener: () => void): void;
  /** Resolves when no attempt is under way, or after a few seconds. */
  drained(): Promise<void>;
}

/** Of 64 KiB at most each. */
const LIMITS = { perRoom: 1_000, perOrigin: 3_000 };
const FIRST_PAUSE_MS = 10_000;
const MAX_PAUSE_MS = 3_600_000;
/** With the pauses above, about a day. */
const MAX_ATTEMPTS = 32;
/**
 * After this many failed attempts (about a minute) a fetched state counts without events that
 * cannot be checked (see PeerQuery.mayLeaveOut).
 */
const LEAVES_OUT_AFTER = 3;
/**
 * An event rejected because of another server's state waits for its prev events this long, this
 * many times.
 */
const PROVISIONAL_MS = 24 * 3_600_000;
const MAX_PROVISIONAL = 3;
const DRAIN_MS = 3_000;

export function createStaging(deps: StagingDeps): Staging {
  const { store, gaps, ingest, clock, random, rejections, logger } = deps;
  /**
   * Missing events that staged ones wait for → the room. Those dropped from this cache are retried
   * when their time comes.
   */
  const awaited = new LRUCache<EventId, number>(atMost(20_000));
  const underWay = new Set<Promise<void>>();
  const listeners = new Set<() => void>();

  /** Randomised by ±20 %, so that rooms that failed together are not retried together. */
  function pause(attempts: number): number {
    const ms = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempts);
    return Math.round(ms * (0.8 + random.integer(400) / 1_000));
  }

  /** When to try again; undefined: never. */
  function nextTry(result: IngestResult | undefined, failed: number): number | undefined {
    if (result === undefined) return undefined;
    if ("placed" in result) {
      if (!result.placed.isProvisional || failed >= MAX_PROVISIONAL) return undefined;
      // The arrival of a missing event makes it due earlier.
      return clock.now() + PROVISIONAL_MS;
    }
    return result.isFinal ? undefined : clock.now() + pause(failed);
  }

  async function settle(
    origin: ServerName,
    room: Room,
    events: readonly RoomEvent[],
    results: ReadonlyMap<EventId, IngestResult>,
    attempts: ReadonlyMap<EventId, number>,
  ): Promise<void> {
    const done: EventId[] = [];
    const later: { eventId: EventId; nextTry: number }[] = [];
    for (const { eventId } of events) {
      const failed = attempts.get(eventId) ?? 0;
      const next = nextTry(results.get(eventId), failed);
      if (next !== undefined && failed + 1 < MAX_ATTEMPTS) {
        later.push({ eventId, nextTry: next });
        continue;
      }
      done.push(eventId);
      if (next === undefined) continue;
      const reason = "What it builds on could not be had";
      const fields = { origin, room: room.roomId, event: eventId, reason };
      rejections.note({ ...fields, clause: "given up", outcome: "dropped" });
      rejections.staged("given up", 1);
    }
    rejections.staged("placed", [...addedIds(results)].length);
    if (done.length > 0) await removeStaged(store.sql, done);
    if (later.length === 0) return;
    await postponeStaged(store.sql, later);
    const left = new Set<EventId>(later.map((row) => row.eventId));
    const { missing } = await gaps.sort(events.filter(({ eventId }) => left.has(eventId)));
    for (const id of missing) awaited.set(id, room.nid);
    for (const listener of listeners) listener();
  }

  async function attempt(...args: Parameters<Staging["attempt"]>): Promise<void> {
    const [origin, room, events, attempts = new Map<EventId, number>()] = args;
    try {
      const failed = Math.max(...events.map(({ eventId }) => attempts.get(eventId) ?? 0));
      const mayLeaveOut = failed >= LEAVES_OUT_AFTER;
      const results = await ingest.fetchAndPlace(origin, room, events, { mayLeaveOut });
      await settle(origin, room, events, results, attempts);
      arrived(room, addedIds(results));
    } catch (error) {
      if (error instanceof QueueFull)
        logger.debug({ origin, room: room.roomId }, "too many tasks of a server wait");
      else logger.warn({ err: error, room: room.roomId }, "staged events could not be tried");
      const nextTry = clock.now() + pause(0);
      const rows = events.map(({ eventId }) => ({ eventId, nextTry }));
      // When the database is unavailable they stay due.
      await postponeStaged(store.sql, rows).catch(() => {});
    }
  }

  function arrived(room: Room, eventIds: Iterable<EventId>): void {
    if (awaited.size === 0) return;
    let isAwaited = false;
    for (const id of eventIds) if (awaited.delete(id)) isAwaited = true;
    if (!isAwaited) return;
    void track(
      makeStagedDue(store.sql, clock.now(), room.nid).then(
        () => listeners.forEach((listener) => listener()),
        (error: unknown) => logger.warn({ err: error }, "staged events could not be hastened"),
      ),
    );
  }

  function track(task: Promise<void>): Promise<void> {
    underWay.add(task);
    return task.finally(() => underWay.delete(task));
  }

  return {
    async keep(origin, room, events) {
      const now = clock.now();
      const rows = events.map((event) => ({ eventId: event.eventId, json: event.json() }));
      const times = { receivedTs: now, nextTry: now + FIRST_PAUSE_MS };
      const kept = await insertStaged(store.sql, origin, room.nid, rows, times, LIMITS);
      rejections.staged("kept", kept.length);
      for (const listener of listeners) listener();
      return new Set(kept as EventId[]);
    },
    attempt: (...args) => track(attempt(...args)),
    waiting: (origin, room) => countStaged(store.sql, origin, room.nid),
    arrived,
    async makeAllDue(room) {
      await makeStagedDue(store.sql, clock.now(), room.nid);
      listeners.forEach((listener) => listener());
    },
    onDue: (listener) => void listeners.add(listener),
    async drained() {
      await Promise.race([Promise.all(underWay), clock.sleep(DRAIN_MS)]);
    },
  };
}

/** Ids of the events that are in the graph now. */
export function* addedIds(results: ReadonlyMap<EventId, IngestResult>): Generator<EventId> {
  for (const [id, result] of results) {
    if ("placed" in result && !result.placed.isProvisional) yield id;
  }
}
