import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { StoredEvent } from "../../rooms/api/index.ts";

/** One sync response to one device, for one room. */
export interface Delivery {
  /** User and device. */
  readonly device: string;
  readonly roomNid: number;
  /** Position of the client's token: what was sent up to there has arrived. */
  readonly since: number | undefined;
  /** Position of the token in this response. */
  readonly upTo: number;
  /** The client began anew with the room here: what it was sent before does not count. */
  readonly begunAt?: number;
}

interface SentMember {
  readonly nid: number;
  /** Position of the token with which it was first sent. */
  readonly at: number;
}

/** Limit on members remembered per room and device. */
const MAX_MEMBERS = 2_000;

/**
 * The member events that a device has been sent, so that lazy loading need not repeat them
 * (client-server API, "Lazy-loading room members"). An event counts as received once the client
 * returns with the token that came with it. Forgetting is harmless: the event is sent again.
 */
export function createSentMembers(max = 20_000) {
  const sent = new LRUCache<string, Map<string, SentMember>>(atMost(max));

  return {
    /** Starts again for a device that is sent the whole state. */
    reset({ device, roomNid }: Delivery): void {
      sent.delete(`${device}\n${roomNid}`);
    },

    /** Those of the events that the device is not known to have; they are marked as sent. */
    takeUnsent(delivery: Delivery, events: readonly StoredEvent[]): StoredEvent[] {
      const key = `${delivery.device}\n${delivery.roomNid}`;
      let known = sent.get(key);
      if (!known) sent.set(key, (known = new Map()));
      if (known.size > MAX_MEMBERS) known.clear();
      const out = events.filter(({ nid, event }) => {
        const before = known.get(event.stateKey ?? "");
        if (before?.nid !== nid || before.at <= (delivery.begunAt ?? -1)) return true;
        return before.at > (delivery.since ?? -1);
      });
      for (const { nid, event } of out) known.set(event.stateKey ?? "", { nid, at: delivery.upTo });
      return out;
    },
  };
}

export type SentMembers = ReturnType<typeof createSentMembers>;
