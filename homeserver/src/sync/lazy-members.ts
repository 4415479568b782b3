import { LRUCache } from "lru-cache";
import type { StoredEvent } from "../rooms/types.ts";

/**
 * Which member events a device has been sent, so that lazy loading need not repeat them
 * (client-server API, "Lazy-loading room members"). Forgetting is harmless: an event is then sent again.
 */
export function createSentMembers(max = 50_000) {
  const sent = new LRUCache<string, Map<string, number>>({ max });

  return {
    /** Starts afresh for a device that syncs without a token. */
    reset(device: string, roomNid: number): void {
      sent.delete(`${device}\n${roomNid}`);
    },

    /** Those of the events that the device has not been sent; they count as sent from now on. */
    fresh(device: string, roomNid: number, events: readonly StoredEvent[]): StoredEvent[] {
      const key = `${device}\n${roomNid}`;
      let known = sent.get(key);
      if (!known) sent.set(key, (known = new Map()));
      const out = events.filter((e) => known.get(e.event.stateKey ?? "") !== e.nid);
      for (const e of out) known.set(e.event.stateKey ?? "", e.nid);
      return out;
    },
  };
}

export type SentMembers = ReturnType<typeof createSentMembers>;
