/**
 * Events by nid and by id: a cache in front of bulk queries. It holds committed events only (see
 * pending.ts).
 */
import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import { eventFromStored } from "../../protocol/events/event.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { roomVersion } from "../../protocol/room-versions.ts";
import { eventsByIds, eventsByNids, eventTexts } from "../../storage/rooms/events.ts";
import type { EventRow } from "../../storage/rooms/events.ts";
import { shareRows } from "../../storage/shared-query.ts";
import type { Sql } from "../../storage/sql.ts";
import { isInGraph } from "./in-graph.ts";
import type { StateRoot, StoredEvent } from "../api/index.ts";

export interface EventReader {
  byNids(nids: readonly number[]): Promise<Map<number, StoredEvent>>;
  byIds(ids: readonly EventId[]): Promise<Map<EventId, StoredEvent>>;
  one(nid: number): Promise<StoredEvent | undefined>;
  byId(id: EventId): Promise<StoredEvent | undefined>;
  /**
   * The same as `byIds`, but reads events again from the tables when another replica may have
   * changed them: outliers and rejected events.
   */
  byIdsNow(ids: readonly EventId[]): Promise<Map<EventId, StoredEvent>>;
  /** From memory only. */
  peekById(id: EventId): StoredEvent | undefined;
  /** From memory only, in the given order; undefined when one of them is not there. */
  peek(nids: readonly number[]): StoredEvent[] | undefined;
}

export interface Events extends EventReader {
  /** PDUs as JSON texts, in the given order. They are not cached. */
  texts(nids: readonly number[]): Promise<string[]>;
  /**
   * Turns the rows of a query that was just started into events, using the cached objects where
   * there are any.
   */
  load(query: Promise<readonly EventRow[]>): Promise<StoredEvent[]>;
  /** Adds a committed event to the cache. */
  keep(event: StoredEvent): void;
  /** Forgets an event that has changed (redaction, status). */
  forget(id: EventId): void;
  /** Forgets all events of a room after rows were deleted. */
  forgetRoom(roomNid: number): void;
  /** Forgets the room's rejected events, which another writer may have judged again. */
  forgetRejected(roomNid: number): void;
}

const STATUS = ["accepted", "soft-failed", "rejected"] as const;

/** Text, parsed form and client form: an event takes a multiple of its JSON. */
const BYTES_PER_CHARACTER = 6;
const OVERHEAD = 1_000;

/** `cacheBytes`: approximate size limit of the cache. */
export function createEvents(sql: Sql, cacheBytes = 128 * 1024 * 1024): Events {
  const cache = new LRUCache<number, StoredEvent>({
    maxSize: cacheBytes,
    sizeCalculation: ({ event }) => event.json().length * BYTES_PER_CHARACTER + OVERHEAD,
    dispose: ({ nid, roomNid, status }) => {
      if (status === "rejected") rejected.get(roomNid)?.delete(nid);
    },
  });
  /** The rejected events in the cache, by room. */
  const rejected = new LRUCache<number, Set<number>>(atMost(10_000));
  const nidOf = new LRUCache<EventId, number>(atMost(200_000));
  /** Recently changed events → the number of that change. */
  const changed = new LRUCache<EventId, number>(atMost(10_000));
  let changes = 0;
  /** The number of the last change that may concern any event. */
  let purged = 0;
  const rowsByNids = shareRows(
    (nids: readonly number[]) => eventsByNids(sql, nids),
    (nid) => nid,
    (row) => row.nid,
  );
  const rowsByIds = shareRows(
    (ids: readonly string[]) => eventsByIds(sql, ids),
    (id) => id,
    (row) => row.eventId,
  );

  function remember(event: StoredEvent): void {
    cache.set(event.nid, event);
    nidOf.set(event.event.eventId, event.nid);
    if (event.status !== "rejected") return;
    const ofRoom = rejected.get(event.roomNid) ?? new Set();
    rejected.set(event.roomNid, ofRoom.add(event.nid));
  }

  function ofRow(row: EventRow, asked: number): StoredEvent {
    const known = cache.get(row.nid);
    if (known !== undefined && sameRow(known, row)) return known;
    const stored = fromRow(row);
    // If the event changed while the query ran, the row may be out of date: it is used once and not
    // cached.
    const last = Math.max(changed.get(row.eventId as EventId) ?? 0, purged);
    if (last <= asked) remember(stored);
    return stored;
  }

  async function load(query: Promise<readonly EventRow[]>): Promise<StoredEvent[]> {
    const asked = changes;
    return (await query).map((row) => ofRow(row, asked));
  }

  async function byNids(nids: readonly number[]): Promise<Map<number, StoredEvent>> {
    const found = new Map<number, StoredEvent>();
    const unknown: number[] = [];
    for (const nid of nids) {
      const event = cache.get(nid);
      if (event === undefined) unknown.push(nid);
      else found.set(nid, event);
    }
    if (unknown.length > 0) {
      for (const event of await load(rowsByNids(unknown))) found.set(event.nid, event);
    }
    return found;
  }

  async function byIds(ids: readonly EventId[]): Promise<Map<EventId, StoredEvent>> {
    const found = new Map<EventId, StoredEvent>();
    const unknown: EventId[] = [];
    for (const id of ids) {
      const nid = nidOf.get(id);
      const event = nid === undefined ? undefined : cache.get(nid);
      if (event === undefined) unknown.push(id);
      else found.set(id, event);
    }
    if (unknown.length > 0) {
      for (const event of await load(rowsByIds(unknown))) {
        found.set(event.event.eventId, event);
      }
    }
    return found;
  }

  return {
    byNids,
    byIds,
    async byIdsNow(ids) {
      const found = await byIds(ids);
      const doubtful = [...found.values()].filter(mayChange).map(({ event }) => event.eventId);
      if (doubtful.length === 0) return found;
      // Events of history may have been purged.
      for (const id of doubtful) found.delete(id);
      for (const event of await load(rowsByIds(doubtful))) {
        found.set(event.event.eventId, event);
      }
      return found;
    },
    one: async (nid) => (await byNids([nid])).get(nid),
    byId: async (id) => (await byIds([id])).get(id),
    async texts(nids) {
      const found = new Map<number, string>();
      for (const nid of nids) {
        const stored = cache.peek(nid);
        if (stored !== undefined) found.set(nid, stored.event.json());
      }
      const unknown = nids.filter((nid) => !found.has(nid));
      for (const { nid, json } of unknown.length > 0 ? await eventTexts(sql, unknown) : []) {
        found.set(nid, json);
      }
      return nids.flatMap((nid) => found.get(nid) ?? []);
    },
    peekById(id) {
      const nid = nidOf.get(id);
      return nid === undefined ? undefined : cache.get(nid);
    },
    peek(nids) {
      const found: StoredEvent[] = [];
      for (const nid of nids) {
        const event = cache.get(nid);
        if (event === undefined) return undefined;
        found.push(event);
      }
      return found;
    },
    load,
    keep(event) {
      // A row that was read just before may be from before the change.
      changed.set(event.event.eventId, ++changes);
      remember(event);
    },
    forget(id) {
      changed.set(id, ++changes);
      const nid = nidOf.get(id);
      if (nid === undefined) return;
      cache.delete(nid);
      nidOf.delete(id);
    },
    forgetRoom(roomNid) {
      purged = ++changes;
      for (const [nid, stored] of cache.entries()) {
        if (stored.roomNid !== roomNid) continue;
        cache.delete(nid);
        nidOf.delete(stored.event.eventId);
      }
    },
    forgetRejected(roomNid) {
      for (const nid of [...(rejected.get(roomNid) ?? [])]) cache.delete(nid);
      rejected.delete(roomNid);
    },
  };
}

/**
 * Whether another replica may have changed the event: outliers can enter the graph, rejected events
 * can be accepted.
 */
export function mayChange(stored: StoredEvent): boolean {
  return stored.status === "rejected" || !isInGraph(stored);
}

function sameRow(known: StoredEvent, row: EventRow): boolean {
  return (
    known.redactedBy === row.redactedBy &&
    known.position === row.position &&
    known.ordinal === row.ordinal &&
    known.stateAfter === rootOfBytes(row.stateAfter) &&
    known.status === STATUS[row.status] &&
    known.event.version.id === row.version
  );
}

function fromRow(row: EventRow): StoredEvent {
  const version = roomVersion(row.version);
  if (version === undefined) throw new Error(`stored room version ${row.version} is not supported`);
  return {
    nid: row.nid,
    roomNid: row.roomNid,
    event: eventFromStored(row.json, version, row.eventId as EventId),
    position: row.position,
    ordinal: row.ordinal,
    status: STATUS[row.status] ?? "rejected",
    stateBefore: rootOfBytes(row.stateBefore),
    stateAfter: rootOfBytes(row.stateAfter),
    roomState: rootOfBytes(row.roomState),
    redactedBy: row.redactedBy,
  };
}

export function rootOfBytes(bytes: Buffer | null): StateRoot {
  return bytes === null ? null : bytes.toString("hex");
}

export function bytesOfRoot(root: StateRoot): Buffer | null {
  return root === null ? null : Buffer.from(root, "hex");
}
