import type { LogRecord, ReceiptRecord } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { type RoomId, type ServerName, serverOf, type UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { RoomView } from "../rooms/types.ts";
import {
  destinationsBehind,
  type DestinationRow,
  eventsForDestination,
  saveDestinations,
} from "../storage/outbound.ts";
import type { Sql } from "../storage/sql.ts";
import { Destination, MOST_PDUS, type OutboundPdu, type Transaction } from "./destination.ts";
import { type PendingEdu, receiptEdu } from "./edus.ts";
import { createRoomServers } from "./room-servers.ts";

/** What the sender needs of `remote/`. */
export interface Outbound {
  readonly server: {
    sendTransaction(
      server: ServerName,
      txnId: string,
      transaction: {
        origin: string;
        origin_server_ts: number;
        pdus: JsonObject[];
        edus?: JsonObject[];
      },
    ): Promise<unknown>;
  };
  readonly backoff: {
    mayTry(server: ServerName): boolean;
    failed(server: ServerName): void;
    onAwake(listener: (server: ServerName) => void): () => void;
  };
}

export interface SenderDeps {
  readonly sql: Sql;
  readonly view: RoomView;
  readonly remote: Outbound;
  readonly serverName: ServerName;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Sends what happens here to the other servers concerned. (Server-server API, "Transactions", "EDUs".) */
export interface Sender {
  /** Takes in records of the log, in order; resolves when what has to be durable is. */
  take(records: readonly LogRecord[]): Promise<void>;
  /** An EDU for every other server in a room, in the background. */
  eduToRoom(roomId: RoomId, edu: PendingEdu): void;
  /** An EDU for these servers. */
  eduTo(servers: Iterable<ServerName>, edu: PendingEdu): void;
  /** Resumes where the process stopped. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** How often progress is written and waiting destinations are looked at. */
const TICK_MS = 1000;

export function createSender(deps: SenderDeps): Sender {
  const { sql, view, remote, serverName, clock, logger } = deps;
  const destinations = new Map<ServerName, Destination>();
  const waiting = new Set<Destination>();
  const progressed = new Set<Destination>();
  const roomServers = createRoomServers(view, serverName);
  const started = clock.now();
  let transactions = 0;
  let stopped = false;
  let ticker: NodeJS.Timeout | undefined;
  const unlisten = remote.backoff.onAwake((server) => {
    const destination = destinations.get(server);
    if (destination) kick(destination);
  });

  async function send(server: ServerName, transaction: Transaction): Promise<void> {
    try {
      await remote.server.sendTransaction(server, transaction.txnId, {
        origin: serverName,
        origin_server_ts: clock.now(),
        pdus: transaction.pdus,
        edus: transaction.edus,
      });
    } catch (error) {
      // Also a server that refuses is left alone for a while.
      if (remote.backoff.mayTry(server)) remote.backoff.failed(server);
      throw error;
    }
  }

  async function read(server: ServerName, after: number, upTo: number): Promise<OutboundPdu[]> {
    const range = { server, ours: serverName, after, upTo, limit: MOST_PDUS };
    const rows = await eventsForDestination(sql, range);
    const events = await view.events(rows.map((row) => row.nid));
    return rows.flatMap(({ nid, position }) => {
      const stored = events.get(nid);
      return stored ? [outbound(stored.event, position)] : [];
    });
  }

  function destination(server: ServerName): Destination {
    let found = destinations.get(server);
    if (!found) destinations.set(server, (found = make({ server, sent: 0, wanted: 0 })));
    return found;
  }

  function make({ server, sent, wanted }: DestinationRow): Destination {
    return new Destination(
      server,
      { sent, wanted },
      {
        send,
        read,
        mayTry: (name) => !stopped && remote.backoff.mayTry(name),
        waits: (self) => waiting.add(self),
        delivered: (self) => progressed.add(self),
        now: () => clock.now(),
        newTxnId: () => `${started}-${++transactions}`,
        warn: (name, err) => logger.debug({ server: name, err }, "transaction was not taken"),
      },
    );
  }

  function kick(target: Destination): void {
    waiting.delete(target);
    void target.run();
  }

  async function tick(): Promise<void> {
    for (const target of waiting) if (remote.backoff.mayTry(target.server)) kick(target);
    await saveProgress();
    for (const [server, target] of destinations) if (target.idle) destinations.delete(server);
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
    for (const server of servers) {
      if (server === serverName) continue;
      const target = destination(server);
      target.addEdu(edu);
      if (!waiting.has(target)) kick(target);
    }
  }

  async function saveProgress(): Promise<void> {
    const rows = [...progressed].map(rowOf);
    progressed.clear();
    await saveDestinations(sql, rows);
  }

  return {
    async take(records) {
      const touched = new Set<Destination>();
      for (const record of records) {
        if (record.kind === "receipt") await receiptOf(record);
        if (record.kind !== "event") continue;
        if (record.memberships.length > 0) roomServers.changed(record.roomNid);
        if (!record.local || record.status !== "accepted") continue;
        for (const server of await roomServers.forEvent(record)) {
          const target = destination(server);
          target.add(outbound(record.event, record.position));
          touched.add(target);
        }
      }
      if (touched.size === 0) return;
      await saveDestinations(sql, [...touched].map(rowOf));
      for (const target of touched) if (!waiting.has(target)) kick(target);
    },

    eduToRoom(roomId, edu) {
      toRoom(roomId, edu).catch((err: unknown) => logger.warn({ err, roomId }, "EDU not sent"));
    },

    eduTo,

    async start() {
      for (const row of await destinationsBehind(sql)) {
        destinations.set(row.server, make(row));
        kick(destination(row.server));
      }
      ticker = setInterval(() => {
        tick().catch((err: unknown) => logger.warn({ err }, "sending progress was not written"));
      }, TICK_MS);
      ticker.unref();
    },

    async stop() {
      stopped = true;
      clearInterval(ticker);
      unlisten();
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
