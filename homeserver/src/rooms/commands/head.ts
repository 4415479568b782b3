/**
 * A room's head: the point where the next event is added, and the state that it is authorised
 * against.
 */
import { nextHeadVersion } from "../../log/types.ts";
import type { HeadMove } from "../../log/types.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import { loadHead } from "../../storage/rooms/heads.ts";
import { createCommandStore } from "./command-store.ts";
import type { CommandStore } from "./command-store.ts";
import { bytesOfRoot, rootOfBytes } from "../records/events.ts";
import { isInGraph } from "../records/in-graph.ts";
import { forgetRoom } from "../state/store.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room, StateRoot, StoredEvent } from "../api/index.ts";

export interface Head {
  readonly room: Room;
  /** What the room's commands read: committed rows and pending events. */
  readonly store: CommandStore;
  /** Rises with every command and fences off other writers. 0: the room has no head yet. */
  readonly version: number;
  /** Only of a head read from the tables: the log position when it was written. */
  readonly movedAt?: number;
  /** The forward extremities; none before the create event. */
  readonly extremities: readonly StoredEvent[];
  /** Current (resolved) state. */
  readonly stateRoot: StateRoot;
  /** The greatest depth of the extremities. */
  readonly depth: number;
  /** The room has partial state: not all of its members are known. */
  readonly isPartial?: boolean;
  /** Nothing is added but leaves of local users. */
  readonly isArchived?: boolean;
  /** Current state events by stateTuple, as far as they were read; null: there is none. */
  readonly state: Map<string, StoredEvent | null>;
}

/** A head with more cached state events than this starts with an empty cache again. */
const MAX_CACHED_STATE = 5_000;

/**
 * Loads the committed head. Nothing of the room may be pending. `last` is an earlier head: its
 * cached state is reused if the state is still the same.
 */
export async function readHead(committed: RoomStore, room: Room, last?: Head): Promise<Head> {
  const store = createCommandStore(committed, committed.pendingIds.begin(room.nid));
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
    // Another writer may have been here since, and may have rejudged rejected events.
    committed.events.forgetRejected(room.nid);
    committed.resolutions.forget(room.nid);
  }
  // The states of its events have changed since, and this replica may not have read that in the log
  // yet.
  if (row.partialAt > (committed.partialSeen.get(room.nid) ?? 0)) {
    forgetRoom(committed, room.nid);
    committed.partialSeen.set(room.nid, row.partialAt);
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
    isArchived: row.archived,
    state: isSame ? stillKnown(committed, last, row.version) : new Map(),
  };
}

/** The cached state of an earlier head, with the redactions that other writers made since. */
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

/** Replaces a redacted state event in the cached state. */
export function keepRedacted({ state }: Head, redacted: StoredEvent): void {
  const { type, stateKey } = redacted.event;
  if (stateKey === undefined) return;
  const key = stateTuple(type, stateKey);
  if (state.get(key)?.nid === redacted.nid) state.set(key, redacted);
}

/**
 * Whether the head moves, if only its version. Everything that later commands read moves it, so
 * that a concurrent writer's command fails. New outliers do not: commands look for them in the
 * tables.
 */
export function movesHead(
  head: Head,
  extremities: readonly StoredEvent[],
  stateRoot: StateRoot,
  added: readonly { readonly stored: StoredEvent; readonly isRejudged?: boolean | undefined }[],
): boolean {
  if (extremities !== head.extremities || stateRoot !== head.stateRoot) return true;
  return (
    head.version > 0 &&
    added.some(({ stored, isRejudged }) => isInGraph(stored) || isRejudged === true)
  );
}

/** The head after a command. */
export function headAfter(
  head: Head,
  extremities: readonly StoredEvent[],
  stateRoot: StateRoot,
  depth: number,
): Head {
  const { room, store, version, isPartial = false, isArchived = false } = head;
  const state = boundedState(head.state);
  const next = {
    room,
    store,
    ...{ isPartial, isArchived },
    version: nextHeadVersion(version, store.committed.random),
    state,
  };
  return { ...next, extremities, stateRoot, depth };
}

/** The log row that moves the room from one head to the next. */
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

/** The state cache to continue with. */
function boundedState(state: Map<string, StoredEvent | null>): Map<string, StoredEvent | null> {
  return state.size > MAX_CACHED_STATE ? new Map() : state;
}
