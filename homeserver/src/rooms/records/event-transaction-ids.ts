/**
 * What a client is told of how its user sent an event: the transaction id that its device gave, or
 * the id under which the event was scheduled.
 */
import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { transactionsOfEvents } from "../../storage/rooms/events.ts";
import { shareRows } from "../../storage/shared-query.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Reader } from "../api/index.ts";
import { type ClientTransactionKey, DELAYED } from "./idempotency.ts";

export interface EventTransactionIds {
  /** A device sent this event, with or without a transaction id, or it was scheduled. */
  sent(eventId: EventId, key: ClientTransactionKey | undefined): void;
  /**
   * Members of `unsigned` for events of the reader: `transaction_id` of those that the reader's
   * device sent, and `org.matrix.msc4140.delay_id` of those that were scheduled.
   */
  of(reader: Reader, eventIds: readonly EventId[]): Promise<ReadonlyMap<EventId, string>>;
}

export function createEventTransactionIds(sql: Sql): EventTransactionIds {
  /** Event and device → transaction id, or "" for none. */
  const known = new LRUCache<string, string>(atMost(50_000));
  const keyOf = (eventId: string, deviceId: string) => `${eventId} ${deviceId}`;
  /** Event → the id under which it was scheduled. */
  const delayed = new LRUCache<EventId, string>(atMost(10_000));
  /** Events sent by this process: for these the caches are complete. */
  const ours = new LRUCache<EventId, true>(atMost(50_000));
  const rowsOf = shareRows(
    (eventIds: readonly string[]) => transactionsOfEvents(sql, eventIds),
    (eventId) => eventId,
    (row) => row.eventId,
  );

  return {
    sent(eventId, key) {
      ours.set(eventId, true);
      if (key?.scope === DELAYED) delayed.set(eventId, key.txnId);
      else if (key !== undefined) known.set(keyOf(eventId, key.deviceId), key.txnId);
    },
    async of(reader, eventIds) {
      const found = new Map<EventId, string>();
      const { deviceId } = reader;
      if (deviceId === undefined) return found;
      const unknown: EventId[] = [];
      for (const id of eventIds) {
        const delayId = delayed.get(id);
        const txnId = known.get(keyOf(id, deviceId));
        if (delayId !== undefined) found.set(id, delayText(delayId));
        else if (txnId === undefined) {
          if (!ours.has(id)) unknown.push(id);
        } else if (txnId !== "") found.set(id, transactionText(txnId));
      }
      if (unknown.length === 0) return found;
      // Filtered here: given the user and device too, PostgreSQL may read all their transactions
      // instead.
      for (const row of await rowsOf(unknown)) {
        const id = row.eventId as EventId;
        if (row.userId !== reader.userId) continue;
        if (row.scope === DELAYED) {
          delayed.set(id, row.txnId);
          found.set(id, delayText(row.txnId));
        } else if (row.deviceId === deviceId) {
          known.set(keyOf(id, deviceId), row.txnId);
          found.set(id, transactionText(row.txnId));
        }
      }
      for (const id of unknown) if (!found.has(id)) known.set(keyOf(id, deviceId), "");
      return found;
    },
  };
}

const transactionText = (txnId: string) => `"transaction_id":${JSON.stringify(txnId)}`;
const delayText = (delayId: string) => `"org.matrix.msc4140.delay_id":${JSON.stringify(delayId)}`;
