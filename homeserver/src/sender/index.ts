import type { EventRecord, ReceiptRecord } from "../log/types.ts";
import { type RoomId, type ServerName, serverOf, type UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import { destinationsAfter, saveDestinations } from "../storage/federation/outbound.ts";
import { createBacklog, messageEdu } from "./backlog.ts";
import type { Destination } from "./destination.ts";
import { createMissedAtJoins } from "./missed-at-joins.ts";
import { createDestinations, rowOf } from "./destinations.ts";
import { createDeviceNews, type NewsByPosition } from "./device-news.ts";
import { createDeviceUpdates } from "./device-updates.ts";
import { type PendingEdu, receiptEdu } from "./edus.ts";
import { MAX_EDUS, type OutboundItem } from "./outbound-item.ts";
import { createRoomServers } from "./room-servers.ts";
import { isWithoutKeys } from "./superseded.ts";
import { createTransport } from "./transport.ts";
import type { Sender, SenderDeps, SentRecord } from "./types.ts";

export { createEduOutlet } from "./edu-outlet.ts";
export type { PublicKeys } from "./device-updates.ts";
export { createPublicKeys } from "./public-keys.ts";
export { SENT } from "./types.ts";
export type { EduRelay, Outbound, RelayedEdu, Sender, SenderDeps } from "./types.ts";

/** Destinations that were sent something in so many last log positions are looked up at the start. */
const RECENT = 10_000;

export function createSender(deps: SenderDeps): Sender {
  const { sql, log, view, relay, serverName, clock, logger } = deps;
  const roomServers = createRoomServers({ view, ours: serverName, position: () => log.position });
  const unfollow = log.follow({ phase: "caches", kinds: ["event"], take: roomServers.follow });
  let isSending = relay === undefined;
  /**
   * Aborts running requests when the term ends: another replica may send to the same servers then.
   */
  let ending = new AbortController();
  const updates = createDeviceUpdates(sql, deps.keys);
  const { longAbsence } = deps;
  const missedAtJoins = createMissedAtJoins(sql, deps.served);
  const rooms = { sql, view, roomServers, updates, missedAtJoins, ours: serverName };
  const deviceNews = createDeviceNews(rooms);
  const backlog = createBacklog({ ...rooms, longAbsence, now: clock.now });
  const transport = createTransport(deps, () => ending.signal);
  const destinations = createDestinations(deps, { ...transport, ...backlog });
  const unrelay = relay?.subscribe(({ servers, edu }) => {
    if (isSending) sendEdu(servers, edu);
  });

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
      const target = destinations.of(server);
      target.addEdu(edu);
      destinations.wake(target);
    }
  }

  /** What each server is owed because of a record. */
  async function owedFor(
    record: Exclude<SentRecord, ReceiptRecord>,
    news: NewsByPosition,
  ): Promise<Iterable<readonly [ServerName, OutboundItem]>> {
    const { position } = record;
    if (record.kind === "to_device_outbound") {
      const item = { position, edus: [messageEdu(record.content)] };
      return [[record.server as ServerName, item]];
    }
    if (record.kind === "sticky_owed") {
      const stored = (await view.events([record.eventNid])).get(record.eventNid);
      if (stored === undefined) return [];
      return [[record.server as ServerName, { position, pdu: stored.event.pdu, edus: [] }]];
    }
    const own = news.get(position) ?? [];
    const isSent = record.kind === "event" && isOurs(record);
    const servers = isSent ? await roomServers.forEvent(record) : [];
    const pdu = isSent ? (record.event.pdu as JsonObject) : undefined;
    const plain: OutboundItem = { position, pdu, edus: [] };
    const items = new Map<ServerName, OutboundItem>();
    for (const server of servers) items.set(server, plain);
    const joining = record.kind === "event" ? joiningServer(record) : undefined;
    if (joining !== undefined) {
      const missed = await missedAtJoins.pduAt(joining, position);
      if (missed !== undefined) items.set(joining, { position, pdu: missed, edus: [] });
    }
    for (const { servers: told, edus } of own) {
      for (const server of told) {
        const item = items.get(server) ?? { position, edus: [] };
        items.set(server, { ...item, edus: [...item.edus, ...edus].slice(0, MAX_EDUS) });
      }
    }
    return items;
  }

  /** `touched`: whether a destination has got anything that is sent at once. */
  function addTo(server: ServerName, item: OutboundItem, touched: Map<Destination, boolean>): void {
    const target = destinations.of(server);
    target.add(item);
    const isUrgent = item.pdu !== undefined || !item.edus.every(isWithoutKeys);
    touched.set(target, isUrgent || touched.get(target) === true);
  }

  function endTerm(): void {
    destinations.endTerm();
    if (relay) ending.abort();
    ending = new AbortController();
    isSending = false;
  }

  return {
    async take(records) {
      const term = ending;
      const touched = new Map<Destination, boolean>();
      const news = await deviceNews.of(records);
      for (const record of records) {
        const owed = record.kind === "receipt" ? [] : await owedFor(record, news);
        if (record.kind === "receipt") await receiptOf(record);
        // A destination that is made now would not know what the last term left undelivered.
        if (ending !== term) throw new Error("this process is to send no more");
        for (const [server, item] of owed) addTo(server, item, touched);
      }
      const known = [...touched.keys()].filter((target) => !target.isWrittenOff);
      if (known.length === 0) return;
      await saveDestinations(sql, known.map(rowOf));
      for (const target of known) {
        target.written();
        if (touched.get(target)) destinations.wake(target);
      }
      const others = known.filter((target) => !touched.get(target));
      if (others.length > 0) void destinations.wakeLater(others);
    },

    eduToRoom(roomId, edu) {
      toRoom(roomId, edu).catch((err: unknown) => logger.warn({ err, roomId }, "EDU not sent"));
    },

    eduTo,

    async resume(signal) {
      const rows = await destinationsAfter(sql, log.position - RECENT);
      if (signal.aborted) return;
      if (relay) {
        endTerm();
        isSending = true;
      }
      for (const target of destinations.all()) target.reset({ sent: 0, wanted: 0 });
      signal.addEventListener("abort", endTerm, { once: true });
      for (const { server, sent, wanted } of rows) {
        const isBehind = wanted > sent;
        // How far an unreachable server is behind was not written down. Of the others it is known
        // what they have: the follower may hand that over again.
        destinations.of(server).reset({ sent, wanted: isBehind ? log.position : wanted });
        if (isBehind) destinations.kick(destinations.of(server));
      }
      destinations.removeLeft(signal).catch((err: unknown) => {
        logger.warn({ err }, "acknowledged messages were not removed");
      });
    },

    async stop() {
      endTerm();
      unrelay?.();
      unfollow();
      await destinations.stop();
    },
  };
}

/** The server of a user who joins through this one. */
function joiningServer({ event, forwarded, status }: EventRecord): ServerName | undefined {
  if (!forwarded || status !== "accepted" || event.type !== "m.room.member") return undefined;
  return event.content.membership === "join" ? serverOf(event.sender) : undefined;
}

/** Whether this server sends the event to the other servers. */
function isOurs({ local, handedOver, forwarded, status }: EventRecord): boolean {
  return status === "accepted" && (local ? !handedOver : forwarded);
}
