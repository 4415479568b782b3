import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { StoredEvent } from "../../rooms/api/index.ts";

/** One answer to one device about one room. */
export interface Delivery {
  /** User and device. */
  readonly device: string;
  readonly roomNid: number;
  /** Position of the token that the client came with: what was sent up to there has arrived. */
  readonly since: number | undefined;
  /** Position of the token that this answer carries. */
  readonly upTo: number;
}

interface SentMember {
  readonly nid: number;
  /** Position of the token that it was first sent with. */
  readonly at: number;
}

/** Members remembered of one room for one device. */
const MAX_MEMBERS = 2_000;

/**
 * Which member events a device has been sent, so that lazy loading need not repeat them (client-server API,
 * "Lazy-loading room members"). An event counts once the client has come back with the token that it was sent
 * with. Forgetting is harmless: an event is then sent again.
 */
export function createSentMembers(max = 20_000) {
  const sent = new LRUCache<string, Map<string, SentMember>>(atMost(max));

  return {
    /** Starts afresh for a device that is sent the whole state. */
    reset({ device, roomNid }: Delivery): void {
      sent.delete(`${device}\n${roomNid}`);
    },

    /** Those of the events that the device is not known to have; they are noted as sent now. */
    takeUnsent(delivery: Delivery, events: readonly StoredEvent[]): StoredEvent[] {
      const key = `${delivery.device}\n${delivery.roomNid}`;
      let known = sent.get(key);
      if (!known) sent.set(key, (known = new Map()));
      if (known.size > MAX_MEMBERS) known.clear();
      const out = events.filter(({ nid, event }) => {
        const before = known.get(event.stateKey ?? "");
        return before?.nid !== nid || before.at > (delivery.since ?? -1);
      });
      for (const { nid, event } of out) known.set(event.stateKey ?? "", { nid, at: delivery.upTo });
      return out;
    },
  };
}

export type SentMembers = ReturnType<typeof createSentMembers>;
