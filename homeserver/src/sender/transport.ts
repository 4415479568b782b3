/** How transactions to other servers are made up and sent. */
import type { ServerName } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import { eventsForDestination, newestForDestination } from "../storage/federation/outbound.ts";
import {
  type DestinationDeps,
  MAX_PDUS,
  type OutboundPdu,
  type OutgoingTransaction,
  type PduRange,
} from "./destination.ts";
import type { RoomServers } from "./room-servers.ts";
import { createSendSlots } from "./send-slots.ts";
import type { SenderDeps } from "./types.ts";

/** Status codes with which a server permanently refuses a transaction. */
const REFUSED_STATUSES: ReadonlySet<unknown> = new Set([400, 413]);
/**
 * A server behind by more log positions than this gets only the newest event of each room; it
 * fetches the others itself.
 */
const LONG_ABSENCE = 20_000;

export type Transport = Pick<DestinationDeps, "send" | "read" | "withSendSlot" | "newTxnId">;

/** `signal` aborts the requests of the present term. */
export function createTransport(
  deps: SenderDeps,
  roomServers: RoomServers,
  signalNow: () => AbortSignal,
): Transport {
  const { sql, view, remote, serverName, clock } = deps;
  // Transaction ids must not repeat those of any other process of this server.
  const run = deps.random.alphanumeric(12);
  let transactions = 0;
  const withSendSlot = createSendSlots(
    (server) => remote.backoff.failingSince(server) !== undefined,
  );

  async function send(
    server: ServerName,
    transaction: OutgoingTransaction,
  ): Promise<"taken" | "refused"> {
    const signal = signalNow();
    try {
      const { txnId, pdus, edus } = transaction;
      const body = { origin: serverName, origin_server_ts: clock.now(), pdus, edus };
      await remote.server.sendTransaction(server, txnId, body, signal);
      return "taken";
    } catch (error) {
      if (signal.aborted) throw error;
      if (REFUSED_STATUSES.has((error as { remoteStatus?: unknown }).remoteStatus))
        return "refused";
      // A server that refuses is backed off for a while, too.
      if (remote.backoff.mayTry(server)) remote.backoff.failed(server);
      throw error;
    }
  }

  async function read(server: ServerName, after: number, upTo: number): Promise<PduRange> {
    const range = { server, ours: serverName, after, upTo, limit: MAX_PDUS };
    const isLong = upTo - after > (deps.longAbsence ?? LONG_ABSENCE);
    const rows = await (isLong ? newestForDestination : eventsForDestination)(sql, range);
    const found = await view.events(rows.map((row) => row.nid));
    const events = [];
    for (const { nid, position, settled } of rows) {
      const stored = found.get(nid);
      if (!stored || !(settled || (await roomServers.mayHave(server, stored)))) continue;
      events.push(outbound(stored.event, position));
    }
    return { events, upTo: rows.length < MAX_PDUS ? upTo : rows.at(-1)!.position };
  }

  return { send, read, withSendSlot, newTxnId: () => `${run}-${++transactions}` };
}

export function outbound(event: { readonly pdu: object }, position: number): OutboundPdu {
  return { position, pdu: event.pdu as JsonObject };
}
