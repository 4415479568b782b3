/** The transaction id with which a device sent an event, for `unsigned.transaction_id`. */
import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { transactionsOfEvents } from "../../storage/rooms/events.ts";
import { shareRows } from "../../storage/shared-query.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Reader } from "../api/index.ts";

export interface EventTransactionIds {
  /** A device sent this event, with or without a transaction id. */
  sent(eventId: EventId, deviceId: string, txnId: string | undefined): void;
  /** Transaction ids of those events that the reader's device sent. */
  of(reader: Reader, eventIds: readonly EventId[]): Promise<ReadonlyMap<EventId, string>>;
}

export function createEventTransactionIds(sql: Sql): EventTransactionIds {
  /** Event and device → transaction id, or "" for none. */
  const known = new LRUCache<string, string>(atMost(50_000));
  const keyOf = (eventId: string, deviceId: string) => `${eventId} ${deviceId}`;
  /** Events sent by this process: for these the cache is complete. */
  const ours = new LRUCache<EventId, true>(atMost(50_000));
  const rowsOf = shareRows(
    (eventIds: readonly string[]) => transactionsOfEvents(sql, eventIds),
    (eventId) => eventId,
    (row) => row.eventId,
  );

  return {
    sent(eventId, deviceId, txnId) {
      ours.set(eventId, true);
      if (txnId !== undefined) known.set(keyOf(eventId, deviceId), txnId);
    },
    async of(reader, eventIds) {
      const found = new Map<EventId, string>();
      const { deviceId } = reader;
      if (deviceId === undefined) return found;
      const unknown: EventId[] = [];
      for (const id of eventIds) {
        const txnId = known.get(keyOf(id, deviceId));
        if (txnId === undefined) {
          if (!ours.has(id)) unknown.push(id);
        } else if (txnId !== "") found.set(id, txnId);
      }
      if (unknown.length === 0) return found;
      // Filtered here: given the user and device too, PostgreSQL may read all their transactions
      // instead.
      for (const row of await rowsOf(unknown)) {
        if (row.userId !== reader.userId || row.deviceId !== deviceId) continue;
        known.set(keyOf(row.eventId, deviceId), row.txnId);
        found.set(row.eventId as EventId, row.txnId);
      }
      for (const id of unknown) if (!found.has(id)) known.set(keyOf(id, deviceId), "");
      return found;
    },
  };
}
