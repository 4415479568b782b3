import type { Log, LogRecord, ReceiptRecord } from "../log/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { Random } from "../platform/random.ts";
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
import {
  Destination,
  MOST_PDUS,
  type OutboundPdu,
  type Stretch,
  type Transaction,
} from "./destination.ts";
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
  readonly log: Pick<Log, "position" | "onAdvance">;
  readonly view: RoomView;
  readonly remote: Outbound;
  readonly serverName: ServerName;
  readonly clock: Clock;
  readonly random: Random;
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
  /**
   * Goes by what is durable, when this process begins to follow the log: what it or another one left is sent.
   * Before that, only EDUs are.
   */
  resume(): Promise<void>;
  stop(): Promise<void>;
}

/** How often progress is written and waiting destinations are looked at. */
const TICK_MS = 1000;
/** Answers by which a server says that it will never take a transaction. */
const REFUSALS: ReadonlySet<unknown> = new Set([400, 413]);

export function createSender(deps: SenderDeps): Sender {
  const { sql, log, view, remote, serverName, clock, logger } = deps;
  const destinations = new Map<ServerName, Destination>();
  const waiting = new Set<Destination>();
  const progressed = new Set<Destination>();
  const roomServers = createRoomServers({ view, ours: serverName, position: () => log.position });
  const unfollow = log.onAdvance(roomServers.follow);
  // No other process of this server, now or later, gives out the same transaction ids.
  const run = deps.random.alphanumeric(12);
  let transactions = 0;
  let stopped = false;
  const ticker = setInterval(() => {
    tick().catch((err: unknown) => logger.warn({ err }, "sending progress was not written"));
  }, TICK_MS);
  ticker.unref();
  const unlisten = remote.backoff.onAwake((server) => {
    const destination = destinations.get(server);
    if (destination) kick(destination);
  });

  async function send(server: ServerName, transaction: Transaction): Promise<"taken" | "refused"> {
    try {
      await remote.server.sendTransaction(server, transaction.txnId, {
        origin: serverName,
        origin_server_ts: clock.now(),
        pdus: transaction.pdus,
        edus: transaction.edus,
      });
      return "taken";
    } catch (error) {
      if (REFUSALS.has((error as { remoteStatus?: unknown }).remoteStatus)) return "refused";
      // Also a server that refuses is left alone for a while.
      if (remote.backoff.mayTry(server)) remote.backoff.failed(server);
      throw error;
    }
  }

  async function read(server: ServerName, after: number, upTo: number): Promise<Stretch> {
    const range = { server, ours: serverName, after, upTo, limit: MOST_PDUS };
    const rows = await eventsForDestination(sql, range);
    const found = await view.events(rows.map((row) => row.nid));
    const events = [];
    for (const { nid, position, settled } of rows) {
      const stored = found.get(nid);
      if (!stored || !(settled || (await roomServers.mayHave(server, stored)))) continue;
      events.push(outbound(stored.event, position));
    }
    return { events, upTo: rows.length < MOST_PDUS ? upTo : rows.at(-1)!.position };
  }

  function destination(server: ServerName): Destination {
    let found = destinations.get(server);
    if (!found) destinations.set(server, (found = make(server)));
    return found;
  }

  function make(server: ServerName): Destination {
    return new Destination(
      server,
      { sent: 0, wanted: 0 },
      {
        send,
        read,
        mayTry: (name) => !stopped && remote.backoff.mayTry(name),
        waits: (self) => waiting.add(self),
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
    // What made progress in the meantime stays: a server must not have two destinations.
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

  return {
    async take(records) {
      const touched = new Set<Destination>();
      for (const record of records) {
        if (record.kind === "receipt") await receiptOf(record);
        if (record.kind !== "event") continue;
        if (!(record.local || record.forwarded) || record.status !== "accepted") continue;
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

    async resume() {
      const behind = await destinationsBehind(sql);
      for (const target of destinations.values()) target.reset({ sent: 0, wanted: 0 });
      for (const row of behind) {
        destination(row.server).reset(row);
        kick(destination(row.server));
      }
    },

    async stop() {
      stopped = true;
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
