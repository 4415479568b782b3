/**
 * Idempotent requests: a repeated request of a device with the same transaction id is executed once
 * (client-server API, "Transaction identifiers").
 */
import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import { DuplicateTransaction } from "../../log/types.ts";
import { errors, MatrixError } from "../../protocol/errors.ts";
import type { EventId } from "../../protocol/identifiers.ts";
import { isIndexable } from "../../protocol/text.ts";
import { findTransaction } from "../../storage/rooms/events.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Actor } from "../api/index.ts";

export interface ClientTransactionKey {
  readonly userId: string;
  readonly deviceId: string;
  /** Operation, room and event type: the id is unique within these. */
  readonly scope: string;
  readonly txnId: string;
}

export interface Idempotency {
  /** Executes it, or returns the earlier result. Without a key it is executed each time. */
  run(key: ClientTransactionKey | undefined, send: () => Promise<EventId>): Promise<EventId>;
}

/**
 * The key of a request with a transaction id; throws M_INVALID_PARAM for an id that cannot be a
 * key.
 */
export function clientTransactionKey(
  by: Actor,
  scope: string,
  txnId: string | undefined,
): ClientTransactionKey | undefined {
  if (txnId === undefined) return undefined;
  if (!isIndexable(txnId)) {
    throw errors.invalidParam("txnId has at most 255 bytes, and no NUL character");
  }
  return { userId: by.userId, deviceId: by.deviceId ?? "", scope, txnId };
}

/** Scope of events that were sent later: their transaction id is the delay id. */
export const DELAYED = "delayed";

/** The key of an event that was scheduled (MSC4140): whoever sends it first has sent it. */
export function delayedKey(by: Actor, delayId: string): ClientTransactionKey {
  return { userId: by.userId, deviceId: "", scope: DELAYED, txnId: delayId };
}

export function createIdempotency(sql: Sql): Idempotency {
  const underWay = new Map<string, Promise<EventId>>();
  const done = new LRUCache<string, EventId>(atMost(20_000));

  async function attempt(
    key: ClientTransactionKey,
    send: () => Promise<EventId>,
  ): Promise<EventId> {
    try {
      return await send();
    } catch (error) {
      if (error instanceof DuplicateTransaction) return error.eventId as EventId;
      // What was allowed the first time may be forbidden by now: the answer is the same
      // nevertheless.
      const before = error instanceof MatrixError ? await findTransaction(sql, key) : undefined;
      if (before !== undefined) return before as EventId;
      throw error;
    }
  }

  return {
    async run(key, send) {
      if (key === undefined) return send();
      const text = JSON.stringify([key.userId, key.deviceId, key.scope, key.txnId]);
      const before = done.get(text);
      if (before !== undefined) return before;
      const running = underWay.get(text);
      if (running !== undefined) return running;
      const promise = attempt(key, send);
      underWay.set(text, promise);
      try {
        const eventId = await promise;
        done.set(text, eventId);
        return eventId;
      } finally {
        underWay.delete(text);
      }
    },
  };
}
