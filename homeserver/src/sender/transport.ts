/** How transactions to other servers are sent. */
import type { ServerName } from "../protocol/identifiers.ts";
import type { DestinationDeps, OutgoingTransaction } from "./destination.ts";
import { createSendSlots } from "./send-slots.ts";
import type { SenderDeps } from "./types.ts";

/** Status codes with which a server permanently refuses a transaction. */
const REFUSED_STATUSES: ReadonlySet<unknown> = new Set([400, 413]);
export type Transport = Pick<DestinationDeps, "send" | "withSendSlot" | "newTxnId">;

/** `signal` aborts the requests of the present term. */
export function createTransport(deps: SenderDeps, signalNow: () => AbortSignal): Transport {
  const { remote, serverName, clock } = deps;
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

  return { send, withSendSlot, newTxnId: () => `${run}-${++transactions}` };
}
