/** A room's head: where the next event goes, and the state that it is authorised against. */
import { LRUCache, atMost } from "../../platform/caches.ts";
import { nextHeadVersion } from "../../log/types.ts";
import type { HeadMove } from "../../log/types.ts";
import { loadHead } from "../../storage/rooms/heads.ts";
import { createCommandStore } from "./command-store.ts";
import type { CommandStore } from "./command-store.ts";
import { bytesOfRoot, rootOfBytes } from "../records/events.ts";
import { forgetResolutions } from "../state/resolution.ts";
import { forgetRoom } from "../state/store.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room, StateRoot, StoredEvent } from "../api/index.ts";

export interface Head {
  readonly room: Room;
  /** What the room's commands see: with what is on its way to the log. */
  readonly store: CommandStore;
  /** Moves by one per command: the fence against another writer. 0: the room has no head yet. */
  readonly version: number;
  /** Of one that was read: the log's position when it came there. */
  readonly movedAt?: number;
  /** Forward extremities: none before the create event. */
  readonly extremities: readonly StoredEvent[];
  /** Current (resolved) state. */
  readonly stateRoot: StateRoot;
  /** Greatest depth among the extremities. */
  readonly depth: number;
  /** The room's state is known in part: of its members this server knows some. */
  readonly isPartial?: boolean;
  /** Current state events by stateTuple, as far as they were asked for; null: there is none. */
  readonly state: Map<string, StoredEvent | null>;
}

/** More cached state events than this and a head starts anew. */
const MAX_CACHED_STATE = 5_000;

/** Log positions of rooms' last change from whole to partial or back that a head was read after. */
const seen = new WeakMap<RoomStore, LRUCache<number, number>>();

function partialSeen(store: RoomStore): LRUCache<number, number> {
  let positions = seen.get(store);
  if (positions === undefined) seen.set(store, (positions = new LRUCache(atMost(10_000))));
  return positions;
}

/**
 * The head as it is committed. Nothing of the room's may be on its way to the log. `last`, one of before, gives what it
 * knows of the state, if that is the same still.
 */
export async function readHead(committed: RoomStore, room: Room, last?: Head): Promise<Head> {
  const store = createCommandStore(committed, committed.arrivals.begin(room.nid));
  const row = await loadHead(store.sql, room.nid);
  if (row === undefined) {
    return {
      ...{ room, store },
      version: 0,
      extremities: [],
      stateRoot: null,
      depth: 0,
      state: new Map(),
    };
  }
  if (row.version !== last?.version) {
    // Another writer may have been here since, and judged events again.
    committed.events.forgetRejected(room.nid);
    forgetResolutions(committed, room.nid);
  }
  // States of its events are others since then, and this replica may not have heard of it.
  if (row.partialAt > (partialSeen(committed).get(room.nid) ?? 0)) {
    forgetRoom(committed, room.nid);
    partialSeen(committed).set(room.nid, row.partialAt);
  }
  const events = await store.events.byNids(row.extremities);
  const extremities = row.extremities.map((nid) => {
    const event = events.get(nid);
    if (event === undefined) throw new Error(`extremity ${nid} of ${room.roomId} is not stored`);
    return event;
  });
  const stateRoot = rootOfBytes(row.stateRoot);
  const isSame = last?.stateRoot === stateRoot && last.isPartial === row.partial;
  return {
    ...{ room, store },
    version: row.version,
    movedAt: row.position,
    extremities,
    stateRoot,
    depth: row.depth,
    isPartial: row.partial,
    state: isSame ? stillKnown(committed, last, row.version) : new Map(),
  };
}

/** What a head before knew of the same state: without what others may have redacted since. */
function stillKnown({ events }: RoomStore, { state, version }: Head, now: number): Head["state"] {
  if (version === now) return state;
  for (const [key, stored] of state) {
    if (stored === null) continue;
    const present = events.peekById(stored.event.eventId);
    if (present === undefined) state.delete(key);
    else if (present !== stored) state.set(key, present);
  }
  return state;
}

/** The head after a command. */
export function headAfter(
  head: Head,
  extremities: readonly StoredEvent[],
  stateRoot: StateRoot,
  depth: number,
): Head {
  const { room, store, version, isPartial = false } = head;
  const state = boundedState(head.state);
  const next = { room, store, isPartial, version: nextHeadVersion(version), state };
  return { ...next, extremities, stateRoot, depth };
}

/** The row that takes the room from one head to the next. */
export function headMove(before: Head, after: Head): HeadMove {
  return {
    roomNid: before.room.nid,
    expectedVersion: before.version,
    version: after.version,
    extremities: after.extremities.map((event) => event.nid),
    stateRoot: bytesOfRoot(after.stateRoot),
    depth: after.depth,
  };
}

/** The cache to carry on with. */
function boundedState(state: Map<string, StoredEvent | null>): Map<string, StoredEvent | null> {
  return state.size > MAX_CACHED_STATE ? new Map() : state;
}
