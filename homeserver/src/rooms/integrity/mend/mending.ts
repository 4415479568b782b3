/** What the steps of repairing one room share. */
import { writeNodes } from "../../../storage/rooms/mend-rooms.ts";
import type { Tx } from "../../../storage/sql.ts";
import { resolveRoots } from "../../state/resolution.ts";
import { neededNodes } from "../../state/tree/index.ts";
import type { Change, StateNode } from "../../state/tree/index.ts";
import { createCommandStore } from "../../commands/command-store.ts";
import type { Pending } from "../../records/pending.ts";
import type { RoomStore } from "../../state/store.ts";
import type { Room, StateRoot } from "../../api/index.ts";

/** What was repaired, by kind. */
export interface MendReport {
  /** Events whose columns or auth_nids did not match their JSON. */
  readonly rows: number;
  /** Unreadable events that were removed. */
  readonly removed: number;
  /** Events whose states have changed. */
  readonly states: number;
  /** Events that are now accepted or rejected and were not. */
  readonly verdicts: number;
  readonly redactions: number;
  /** 1: the forward extremities or the current state have changed. */
  readonly heads: number;
  /** Rows of current_state and memberships. */
  readonly current: number;
  /** Lost events, to be added when the server starts. */
  readonly staged: number;
  /** Missing prev events that were not recorded as such. */
  readonly gaps: number;
}

export interface MendOptions {
  /** ms since 1970. */
  readonly now: number;
  /** The epoch of new state nodes. */
  readonly epoch: number;
  /** Called with what could not be repaired, or was only guessed. */
  readonly left: (what: string, eventId?: string) => void;
}

export interface Mending {
  readonly tx: Tx;
  /** A store that reflects the repaired events, even before their rows are written. */
  readonly store: RoomStore;
  /** Those whose rows are not written yet. */
  readonly pending: Pending;
  readonly room: Room;
  readonly options: MendOptions;
  readonly counts: { -readonly [K in keyof MendReport]: MendReport[K] };
  /** Events that were rejected and are not any more. */
  readonly accepted: number[];
  /** Sets entries of a state; new nodes are stored by `flush`. */
  set(root: StateRoot, changes: readonly Change[]): Promise<StateRoot>;
  /** Resolves several states. */
  resolve(roots: readonly StateRoot[]): Promise<StateRoot>;
  /** Stores the nodes of these states that are new since the last time. */
  flush(roots: Iterable<StateRoot>): Promise<void>;
}

const NODES_PER_WRITE = 500;

export function createMending(
  tx: Tx,
  written: RoomStore,
  room: Room,
  options: MendOptions,
): Mending {
  const pending = written.pendingIds.begin(room.nid);
  const { events, state, authChains } = createCommandStore(written, pending);
  const store = { ...written, events: { ...written.events, ...events }, state, authChains };
  let made: StateNode[] = [];

  async function set(root: StateRoot, changes: readonly Change[]): Promise<StateRoot> {
    if (changes.length === 0) return root;
    const done = await store.tree.set(root, changes);
    made.push(...done.nodes);
    store.tree.hold(done.nodes);
    return done.root;
  }

  return {
    ...{ tx, store, pending, room, options, set, accepted: [] },
    counts: {
      ...{ rows: 0, removed: 0, states: 0, verdicts: 0, redactions: 0, heads: 0, current: 0 },
      ...{ staged: 0, gaps: 0 },
    },
    async resolve(roots) {
      const { base, changes } = await resolveRoots(store, room, roots);
      return set(base, changes);
    },
    async flush(roots) {
      const needed = neededNodes(made, roots);
      for (let at = 0; at < needed.length; at += NODES_PER_WRITE) {
        await writeNodes(tx, needed.slice(at, at + NODES_PER_WRITE), options.epoch);
      }
      store.tree.release(made);
      made = [];
    },
  };
}
