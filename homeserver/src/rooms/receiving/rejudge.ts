/**
 * Judges rejected events again. When an event is accepted late, the same commit notes that
 * (events_to_rejudge). The note is removed when everything rejected because of it has been judged,
 * so a crash in between loses nothing.
 */
import type { RoomEvent } from "../../protocol/events/event.ts";
import { rejectedWithState } from "../../storage/rooms/partial-rooms.ts";
import { removeToRejudge, rowsToRejudge } from "../../storage/rooms/events-to-rejudge.ts";
import { rejectedByAuth } from "../../storage/rooms/events.ts";
import type { Outliers } from "../fetching/outliers.ts";
import { isInGraph } from "../records/in-graph.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room, StoredEvent } from "../api/index.ts";

export interface Rejudge {
  /** An event is no longer rejected: judges again what was rejected because of it, and so on. */
  because(room: Room, acceptedNid: number): Promise<void>;
  /**
   * Judges all rejected events in the room's graph again, and what was rejected because of them.
   */
  all(room: Room): Promise<void>;
  /** Finishes what a killed process left undone. */
  remaining(): Promise<void>;
}

export interface RejudgeDeps {
  readonly store: RoomStore;
  readonly outliers: Outliers;
  /** Judges an event of the graph again: true when it is not rejected. */
  readonly passes: (room: Room, event: RoomEvent) => Promise<boolean>;
  /** Resolves the room's current state again. */
  readonly resolve: (room: Room) => Promise<void>;
}

/**
 * How many events are judged again at most: a stranger could send a long chain of rejected events.
 */
const MAX_REJUDGED = 500;
const MAX_ROWS = 100;

export function createRejudge({ store, outliers, passes, resolve }: RejudgeDeps): Rejudge {
  async function passesNow(room: Room, { nid, event }: StoredEvent): Promise<boolean> {
    const now = (await store.events.byIdsNow([event.eventId])).get(event.eventId);
    if (now?.nid !== nid || now.roomNid !== room.nid) return false;
    return isInGraph(now) ? passes(room, event) : outliers.rejudge(room, event);
  }

  /**
   * Judges again what was rejected because of the event, and so on. Returns all events that are not
   * rejected any more.
   */
  async function spread(room: Room, acceptedNid: number): Promise<ReadonlySet<number>> {
    store.resolutions.forget(room.nid);
    const seen = new Set([acceptedNid]);
    const queue = [acceptedNid];
    for (let nid = queue.shift(); nid !== undefined; nid = queue.shift()) {
      const nids = (await rejectedByAuth(store.sql, nid, MAX_REJUDGED)).filter(
        (one) => !seen.has(one),
      );
      const events = await store.events.byNids(nids.slice(0, MAX_REJUDGED - seen.size));
      for (const rejected of events.values()) {
        seen.add(rejected.nid);
        if (await passesNow(room, rejected)) queue.push(rejected.nid);
      }
    }
    return seen;
  }

  /** Resolves the current state, which may depend on the rejected events, and removes the notes. */
  async function finish(room: Room, acceptedNids: Iterable<number>): Promise<void> {
    await resolve(room);
    for (const acceptedNid of acceptedNids) {
      await removeToRejudge(store.sql, { roomNid: room.nid, acceptedNid });
    }
  }

  async function because(room: Room, acceptedNid: number): Promise<void> {
    await finish(room, await spread(room, acceptedNid));
  }

  async function all(room: Room): Promise<void> {
    const nids = await rejectedWithState(store.sql, room.nid);
    const events = await store.events.byNids(nids);
    const done = new Set([0]);
    for (const rejected of nids.flatMap((nid) => events.get(nid) ?? [])) {
      if (!(await passesNow(room, rejected))) continue;
      for (const nid of await spread(room, rejected.nid)) done.add(nid);
    }
    await finish(room, done);
  }

  return {
    because,
    all,
    async remaining() {
      const rows = await rowsToRejudge(store.sql, MAX_ROWS);
      const rooms = await store.registry.byNids(rows.map((row) => row.roomNid));
      for (const row of rows) {
        const room = rooms.get(row.roomNid);
        if (room === undefined) await removeToRejudge(store.sql, row);
        else await (row.acceptedNid === 0 ? all(room) : because(room, row.acceptedNid));
      }
    },
  };
}
