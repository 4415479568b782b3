import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import type { EventRecord } from "../log/types.ts";
import type { ServerName, UserId } from "../protocol/identifiers.ts";
import { serverOf } from "../protocol/identifiers.ts";
import type { RoomView } from "../rooms/types.ts";

/** Which other servers an event goes to: those in the room, and that of the user whom it is about. */
export function createRoomServers(view: RoomView, ours: ServerName) {
  const cache = new LRUCache<number, Promise<ServerName[]>>(atMost(10_000));

  async function serversIn(roomNid: number): Promise<ServerName[]> {
    let servers = cache.get(roomNid);
    if (!servers) {
      servers = view.joinedServers(roomNid).then((all) => all.filter((name) => name !== ours));
      cache.set(roomNid, servers);
      servers.catch(() => cache.delete(roomNid));
    }
    return servers;
  }

  return {
    serversIn,
    /** Members came or went with this record. */
    changed(roomNid: number): void {
      cache.delete(roomNid);
    },
    async forEvent(record: EventRecord): Promise<Set<ServerName>> {
      const servers = new Set(await serversIn(record.roomNid));
      const { type, stateKey } = record.event;
      if (type === "m.room.member" && stateKey?.startsWith("@")) {
        const target = serverOf(stateKey as UserId);
        const left = record.event.content.membership !== "invite";
        if (target !== ours && left) servers.add(target);
      }
      return servers;
    },
  };
}

export type RoomServers = ReturnType<typeof createRoomServers>;
