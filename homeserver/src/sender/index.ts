import type { ReceiptRecord } from "../log/types.ts";
import { type RoomId, type ServerName, serverOf, type UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import {
  destinationsBehind,
  type DestinationRow,
  eventsForDestination,
  newestForDestination,
  saveDestinations,
} from "../storage/federation/outbound.ts";
import {
  Destination,
  MAX_PDUS,
  type OutboundPdu,
  type PduRange,
  type OutgoingTransaction,
} from "./destination.ts";
import { type PendingEdu, receiptEdu } from "./edus.ts";
import { createRoomServers } from "./room-servers.ts";
import { createSendSlots } from "./send-slots.ts";
import type { Sender, SenderDeps } from "./types.ts";

export { createEduOutlet } from "./edu-outlet.ts";
export { SENT } from "./types.ts";
export type { EduRelay, Outbound, RelayedEdu, Sender, SenderDeps } from "./types.ts";

/** How often progress is written, and waiting destinations are retried. */
const TICK_MS = 1000;
/** Status codes with which a server permanently refuses a transaction. */
const REFUSED_STATUSES: ReadonlySet<unknown> = new Set([400, 413]);
/**
 * A server behind by more log positions than this gets only the newest event of each room; it
 * fetches the others itself.
 */
const LONG_ABSENCE = 20_000;

export function createSender(deps: SenderDeps): Sender {
  const { sql, log, view, remote, relay, serverName, clock, logger } = deps;
  const destinations = new Map<ServerName, Destination>();
  const waiting = new Set<Destination>();
  const progressed = new Set<Destination>();
  const roomServers = createRoomServers({ view, ours: serverName, position: () => log.position });
  const unfollow = log.follow({ phase: "caches", kinds: ["event"], take: roomServers.follow });
  // Transaction ids must not repeat those of any other process of this server.
  const run = deps.random.alphanumeric(12);
  let transactions = 0;
  let isSending = relay === undefined;
  /** Rises when this process starts or stops sending: older destinations do not continue. */
  let term = 0;
  /**
   * Aborts running requests when the term ends: another replica may send to the same servers then.
   */
  let ending = new AbortController();
  const withSendSlot = createSendSlots(
    (server) => remote.backoff.failingSince(server) !== undefined,
  );
  const unrelay = relay?.subscribe(({ servers, edu }) => {
    if (isSending) sendEdu(servers, edu);
  });
  const ticker = setInterval(() => {
    tick().catch((err: unknown) => logger.warn({ err }, "sending progress was not written"));
  }, TICK_MS);
  ticker.unref();
  const unlisten = remote.backoff.onAwake((server) => {
    const destination = destinations.get(server);
    if (destination) kick(destination);
  });

  async function send(
    server: ServerName,
    transaction: OutgoingTransaction,
  ): Promise<"taken" | "refused"> {
    const { signal } = ending;
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

  function destination(server: ServerName): Destination {
    let found = destinations.get(server);
    if (!found) destinations.set(server, (found = make(server)));
    return found;
  }

  function make(server: ServerName): Destination {
    const mine = term;
    return new Destination(
      server,
      { sent: 0, wanted: 0 },
      {
        send,
        read,
        withSendSlot,
        mayTry: (name) => mine === term && remote.backoff.mayTry(name),
        waits: (self) => void (mine === term && waiting.add(self)),
        delivered: (self) => progressed.add(self),
        now: () => clock.now(),
        newTxnId: () => `${run}-${++transactions}`,
        givenUp: (name, pdu) =>
          logger.warn({ server: name, room: pdu.room_id, type: pdu.type }, "an event was refused"),
        warn: (name, err) => logger.debug({ server: name, err }, "transaction was not taken"),
      },
    );
  }

  function kick(target: Destination): void {
    waiting.delete(target);
    void target.run();
  }

  async function tick(): Promise<void> {
    for (const target of [...waiting]) {
      target.dropStale(clock.now());
      if (remote.backoff.mayTry(target.server)) kick(target);
    }
    await saveProgress();
    // Destinations that made progress meanwhile are kept: a server must not have two.
    for (const [server, target] of destinations) {
      if (target.idle && !progressed.has(target)) destinations.delete(server);
    }
  }

  /** A local user's public receipt goes to the servers in the room. */
  async function receiptOf(record: ReceiptRecord): Promise<void> {
    const { receiptType, roomNid, userId } = record;
    if (receiptType !== "m.read" || serverOf(userId as UserId) !== serverName) return;
    eduTo(await roomServers.serversIn(roomNid), receiptEdu(record, clock.now()));
  }

  async function toRoom(roomId: RoomId, edu: PendingEdu): Promise<void> {
    const room = await view.room(roomId);
    if (room) eduTo(await roomServers.serversIn(room.nid), edu);
  }

  function eduTo(servers: Iterable<ServerName>, edu: PendingEdu): void {
    if (isSending) sendEdu(servers, edu);
    else relay?.publish({ servers: [...servers], edu });
  }

  function sendEdu(servers: Iterable<ServerName>, edu: PendingEdu): void {
    for (const server of servers) {
      if (server === serverName) continue;
      const target = destination(server);
      target.addEdu(edu);
      if (!waiting.has(target)) kick(target);
    }
  }

  async function saveProgress(): Promise<void> {
    const saving = [...progressed];
    progressed.clear();
    try {
      await saveDestinations(sql, saving.map(rowOf));
    } catch (error) {
      for (const target of saving) progressed.add(target);
      throw error;
    }
  }

  /** Drops all destinations; their running requests end by themselves. */
  function endTerm(): void {
    term += 1;
    if (relay) ending.abort();
    ending = new AbortController();
    isSending = false;
    destinations.clear();
    waiting.clear();
  }

  return {
    async take(records) {
      const touched = new Set<Destination>();
      for (const record of records) {
        if (record.kind === "receipt") {
          await receiptOf(record);
          continue;
        }
        const isOurs = record.local ? !record.handedOver : record.forwarded;
        if (!isOurs || record.status !== "accepted") continue;
        for (const server of await roomServers.forEvent(record)) {
          const target = destination(server);
          target.add(outbound(record.event, record.position));
          touched.add(target);
        }
      }
      const news = [...touched].filter((target) => !target.isWrittenOff);
      if (news.length === 0) return;
      await saveDestinations(sql, news.map(rowOf));
      for (const target of news) {
        target.written();
        if (!waiting.has(target)) kick(target);
      }
    },

    eduToRoom(roomId, edu) {
      toRoom(roomId, edu).catch((err: unknown) => logger.warn({ err, roomId }, "EDU not sent"));
    },

    eduTo,

    async resume(signal) {
      const behind = await destinationsBehind(sql);
      if (signal.aborted) return;
      if (relay) {
        endTerm();
        isSending = true;
      }
      for (const target of destinations.values()) target.reset({ sent: 0, wanted: 0 });
      signal.addEventListener("abort", endTerm, { once: true });
      for (const { server, sent } of behind) {
        // How far an unreachable server is behind was not written down.
        destination(server).reset({ sent, wanted: log.position });
        kick(destination(server));
      }
    },

    async stop() {
      endTerm();
      unrelay?.();
      clearInterval(ticker);
      unlisten();
      unfollow();
      await saveProgress();
    },
  };
}

function outbound(event: { readonly pdu: object }, position: number): OutboundPdu {
  return { position, pdu: event.pdu as JsonObject };
}

function rowOf(destination: Destination): DestinationRow {
  const { server, sent, wanted } = destination;
  return { server, sent, wanted };
}
