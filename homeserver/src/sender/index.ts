import type { ReceiptRecord } from "../log/types.ts";
import { type RoomId, type ServerName, serverOf, type UserId } from "../protocol/identifiers.ts";
import { destinationsBehind, saveDestinations } from "../storage/federation/outbound.ts";
import type { Destination } from "./destination.ts";
import { createDestinations, rowOf } from "./destinations.ts";
import { type PendingEdu, receiptEdu } from "./edus.ts";
import { createRoomServers } from "./room-servers.ts";
import { createTransport, outbound } from "./transport.ts";
import type { Sender, SenderDeps } from "./types.ts";

export { createEduOutlet } from "./edu-outlet.ts";
export { SENT } from "./types.ts";
export type { EduRelay, Outbound, RelayedEdu, Sender, SenderDeps } from "./types.ts";

export function createSender(deps: SenderDeps): Sender {
  const { sql, log, view, relay, serverName, clock, logger } = deps;
  const roomServers = createRoomServers({ view, ours: serverName, position: () => log.position });
  const unfollow = log.follow({ phase: "caches", kinds: ["event"], take: roomServers.follow });
  let isSending = relay === undefined;
  /**
   * Aborts running requests when the term ends: another replica may send to the same servers then.
   */
  let ending = new AbortController();
  const transport = createTransport(deps, roomServers, () => ending.signal);
  const destinations = createDestinations(deps, transport);
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

  function endTerm(): void {
    destinations.endTerm();
    if (relay) ending.abort();
    ending = new AbortController();
    isSending = false;
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
          const target = destinations.of(server);
          target.add(outbound(record.event, record.position));
          touched.add(target);
        }
      }
      const news = [...touched].filter((target) => !target.isWrittenOff);
      if (news.length === 0) return;
      await saveDestinations(sql, news.map(rowOf));
      for (const target of news) {
        target.written();
        destinations.wake(target);
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
      for (const target of destinations.all()) target.reset({ sent: 0, wanted: 0 });
      signal.addEventListener("abort", endTerm, { once: true });
      for (const { server, sent } of behind) {
        // How far an unreachable server is behind was not written down.
        destinations.of(server).reset({ sent, wanted: log.position });
        destinations.kick(destinations.of(server));
      }
    },

    async stop() {
      endTerm();
      unrelay?.();
      unfollow();
      await destinations.stop();
    },
  };
}
