/** Which thread an event belongs to. (Client-server API, "Threaded read receipts".) */
import { mayBeThreadRoot, relationIn } from "../../protocol/events/relations.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import type { RoomStore } from "../state/store.ts";
import type { StoredEvent } from "../api/index.ts";

export interface Threads {
  /**
   * The root of the event's thread; undefined in the main timeline. The same rule for receipts and
   * unread counts.
   */
  of(stored: StoredEvent): Promise<EventId | undefined>;
  /**
   * Whether a receipt in a thread (or in "main") may point at the event: the event is in the
   * thread, is its root, or relates to the root, which clients show in both.
   */
  has(threadId: string, stored: StoredEvent): Promise<boolean>;
}

/** How many relations are followed at most to find the thread. */
const MAX_HOPS = 3;

export function createThreads({ events }: Pick<RoomStore, "events">): Threads {
  /** The event that this one relates to, if it is stored and in the same room. */
  async function parentOf(stored: StoredEvent): Promise<StoredEvent | undefined> {
    const relation = relationIn(stored.event.content);
    const parent = relation && (await events.byId(relation.eventId));
    return parent?.roomNid === stored.roomNid ? parent : undefined;
  }

  async function rootOf(stored: StoredEvent): Promise<EventId | undefined> {
    let at: StoredEvent | undefined = stored;
    for (let hop = 0; hop <= MAX_HOPS && at !== undefined; hop += 1) {
      const relation = relationIn(at.event.content);
      if (relation === undefined) return undefined;
      if (relation.relType === "m.thread") {
        const root = await events.byId(relation.eventId);
        // A root that is not stored yet is assumed to be one.
        if (root === undefined) return relation.eventId;
        const isRoot = root.roomNid === stored.roomNid && mayBeThreadRoot(root.event);
        return isRoot ? relation.eventId : undefined;
      }
      at = await parentOf(at);
    }
    return undefined;
  }

  return {
    of: rootOf,
    async has(threadId, stored) {
      const root = await rootOf(stored);
      if (threadId === "main" || root !== undefined) return (root ?? "main") === threadId;
      let at: StoredEvent | undefined = stored;
      for (let hop = 0; hop <= MAX_HOPS && at !== undefined; hop += 1) {
        if (at.event.eventId === threadId) return true;
        at = await parentOf(at);
      }
      return false;
    },
  };
}
