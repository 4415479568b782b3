/**
 * Repairs states that came from other servers and cannot be recomputed: faulty entries are looked
 * up by their key.
 */
import { splitTuple, stateTuple } from "../../../protocol/state-map.ts";
import { currentKeysAfter, currentRows } from "../../../storage/rooms/integrity.ts";
import { eventsOfKey, keysOfEvents } from "../../../storage/rooms/mend-rooms.ts";
import { stateNodes } from "../../../storage/rooms/heads.ts";
import { bytesOfRoot } from "../../records/events.ts";
import { branchChildren, isLeaf, leafEntries } from "../../state/tree/node.ts";
import type { Entry, NodeKey } from "../../state/tree/node.ts";
import type { StateKey } from "../../state/tuples.ts";
import type { StateRoot, StoredEvent } from "../../api/index.ts";
import { createEntryCheck } from "../entries.ts";
import type { TreeFaults } from "../entries.ts";
import type { Mending } from "./mending.ts";

export interface RemoteStateRepair {
  /**
   * The state before an event, with the right events for its faulty entries as far as they can be
   * found.
   */
  before(stored: StoredEvent): Promise<StateRoot>;
  /** A state without its faulty entries, as clients saw it. */
  stripped(root: StateRoot): Promise<StateRoot>;
}

/** An entry that names no event of its key. */
interface Hole {
  readonly key: StateKey;
  readonly nid: number;
}

const PAGE = 1_000;

export function createRemoteStateRepair(mending: Mending): RemoteStateRepair {
  const { tx, store, room, options } = mending;
  const check = createEntryCheck(store.sql, room);
  const stripped = new Map<StateRoot, StateRoot>();

  async function faultsOf(root: StateRoot): Promise<TreeFaults | undefined> {
    const bytes = bytesOfRoot(root);
    if (bytes === null) return undefined;
    return [...(await check.faultsOf([bytes])).values()][0];
  }

  /** The readable entries of a state with missing nodes. */
  async function entriesOf(root: StateRoot): Promise<Entry[]> {
    const entries: Entry[] = [];
    const bytes = bytesOfRoot(root);
    const seen = new Set<NodeKey>();
    let level = bytes === null ? [] : [bytes];
    while (level.length > 0) {
      const next: Buffer[] = [];
      for (const { data } of await stateNodes(store.sql, level)) {
        if (isLeaf(data)) for (const entry of leafEntries(data)) entries.push(entry);
        else {
          for (const child of branchChildren(data)) {
            if (child === undefined || seen.has(child)) continue;
            seen.add(child);
            next.push(Buffer.from(child, "latin1"));
          }
        }
      }
      level = next;
    }
    return entries;
  }

  /** The correct entries, by the keys of their events; and the others. */
  async function sorted(
    entries: readonly Entry[],
  ): Promise<{ sound: Map<string, number>; holes: Hole[] }> {
    const keys = await store.tuples.keys(entries.map(([tuple]) => tuple));
    const rows = await keysOfEvents(
      tx,
      room.nid,
      entries.map(([, nid]) => nid),
    );
    const own = new Map(rows.map(({ nid, type, stateKey }) => [nid, stateTuple(type, stateKey)]));
    const sound = new Map<string, number>();
    const holes: Hole[] = [];
    for (const [tuple, nid] of entries) {
      const key = keys.get(tuple);
      const text = own.get(nid);
      // If the key is not stored any more, the event's own key is used.
      if (text !== undefined && (key === undefined || stateTuple(...key) === text)) {
        sound.set(text, nid);
      } else if (key !== undefined) holes.push({ key, nid });
    }
    return { sound, holes };
  }

  async function rootOf(state: ReadonlyMap<string, number>): Promise<StateRoot> {
    const keys = [...state.keys()].map(splitTuple);
    const tuples = await store.tuples.make(keys);
    return mending.set(
      null,
      [...state].map(([text, nid]) => [tuples.get(text) as number, nid]),
    );
  }

  /**
   * The event that a nid stood for. Its commit failed, and it got a later nid when it came again:
   * so it is the one of the key that the event itself names, or the one with the next nid.
   */
  async function eventFor({ key, nid }: Hole, of: StoredEvent): Promise<number | undefined> {
    const { event } = of;
    const all = await eventsOfKey(tx, room.nid, ...key);
    const earlier = all.filter((one) => one.nid !== of.nid && one.depth < event.depth);
    const named = earlier.find((one) => event.authEventIds.some((id) => id === one.eventId));
    const next = named ?? earlier.find((one) => one.nid > nid);
    if (next !== undefined) return next.nid;
    // Memberships are not guessed; for settings, an old event is better than none.
    if (key[0] === "m.room.member") return undefined;
    return earlier.toSorted((a, b) => b.depth - a.depth || b.nid - a.nid)[0]?.nid;
  }

  function tellMend({ key, nid }: Hole, found: number | undefined, of: StoredEvent): void {
    const [type, stateKey] = key;
    const name = `${type} ${JSON.stringify(stateKey)}`;
    const what = `the state before it, which another server told, named event ${nid} for ${name}, which is stored nowhere`;
    if (found === undefined) {
      options.left(
        `${what}; it goes without. When the history before it has been fetched, mend again`,
        of.event.eventId,
      );
    } else if (found < nid) {
      options.left(`${what}; event ${found}, an older one, stands there now`, of.event.eventId);
    }
  }

  /** The current state's events from before the event, for keys that were lost with their nodes. */
  async function fill(state: Map<string, number>, of: StoredEvent): Promise<void> {
    for (let after: StateKey = ["", ""]; ;) {
      const keys = await currentKeysAfter(store.sql, room.nid, after, PAGE);
      const last = keys.at(-1);
      if (last === undefined) return;
      after = last;
      const lost = keys.filter((key) => !state.has(stateTuple(...key)));
      const rows = await currentRows(store.sql, room.nid, lost);
      const events = await store.events.byNids(rows.map((row) => row.eventNid));
      for (const { type, stateKey, eventNid } of rows) {
        const event = events.get(eventNid)?.event;
        if (event === undefined || event.depth >= of.event.depth) continue;
        if (event.type === type && event.stateKey === stateKey) {
          state.set(stateTuple(type, stateKey), eventNid);
        }
      }
    }
  }

  return {
    async before(stored) {
      const faults = await faultsOf(stored.stateBefore);
      if (faults === undefined) return stored.stateBefore;
      const { sound, holes } = await sorted(await entriesOf(stored.stateBefore));
      for (const hole of holes) {
        const nid = await eventFor(hole, stored);
        tellMend(hole, nid, stored);
        if (nid !== undefined) sound.set(stateTuple(...hole.key), nid);
      }
      if (faults.isTorn) {
        const size = sound.size;
        await fill(sound, stored);
        options.left(
          `of the state before it, which another server told, nodes are lost: ${size} entries could be read, ` +
            `${sound.size - size} were taken from the current state`,
          stored.event.eventId,
        );
      }
      return rootOf(sound);
    },

    async stripped(root) {
      if (root === null) return null;
      if ((await faultsOf(root)) === undefined) return root;
      let made = stripped.get(root);
      if (made === undefined) {
        const { sound } = await sorted(await entriesOf(root));
        stripped.set(root, (made = await rootOf(sound)));
      }
      return made;
    },
  };
}
