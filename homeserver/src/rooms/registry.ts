/** Rooms by identifier and by nid, and blocks of event nids. */
import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import type { RoomId } from "../protocol/identifiers.ts";
import { roomVersion } from "../protocol/room-versions.ts";
import type { RoomVersion } from "../protocol/room-versions.ts";
import { ensureRoom, roomByRoomId, roomsByNids, takeEventNids } from "../storage/room-heads.ts";
import type { RoomRow } from "../storage/room-heads.ts";
import type { Sql } from "../storage/sql.ts";
import type { Room } from "./types.ts";

export interface Registry {
  byId(roomId: RoomId): Promise<Room | undefined>;
  byNids(nids: readonly number[]): Promise<Map<number, Room>>;
  /** Gives the room a nid, or finds the one it has. `now` is ms since 1970. */
  ensure(roomId: RoomId, version: RoomVersion, now: number): Promise<Room>;
  /** The room is gone: should it come again, it is another one. */
  forget(roomNid: number, roomId: RoomId): void;
  /** Event nids never used before, rising. */
  eventNids(count: number): Promise<number[]>;
}

const BLOCK = 1_000;

export function createRegistry(sql: Sql, max = 50_000): Registry {
  const byRoomId = new LRUCache<RoomId, Room>(atMost(max));
  const byNid = new LRUCache<number, Room>(atMost(max));
  let nextNid = 0;
  let lastNid = -1;
  let forgotten = 0;

  /** A row that was read while a room was forgotten may be that one's: it is used once. */
  function keep(row: RoomRow, asked: number): Room {
    const version = roomVersion(row.version);
    if (version === undefined) throw new Error(`room version ${row.version} is not supported`);
    const room: Room = { nid: row.nid, roomId: row.roomId as RoomId, version };
    if (asked !== forgotten) return room;
    byRoomId.set(room.roomId, room);
    byNid.set(room.nid, room);
    return room;
  }

  return {
    async byId(roomId) {
      const known = byRoomId.get(roomId);
      if (known !== undefined) return known;
      const asked = forgotten;
      const row = await roomByRoomId(sql, roomId);
      return row === undefined ? undefined : keep(row, asked);
    },
    async byNids(nids) {
      const found = new Map<number, Room>();
      const unknown: number[] = [];
      for (const nid of nids) {
        const room = byNid.get(nid);
        if (room === undefined) unknown.push(nid);
        else found.set(nid, room);
      }
      if (unknown.length > 0) {
        const asked = forgotten;
        for (const row of await roomsByNids(sql, unknown)) found.set(row.nid, keep(row, asked));
      }
      return found;
    },
    async ensure(roomId, version, now) {
      const asked = forgotten;
      return keep(await ensureRoom(sql, roomId, version.id, now), asked);
    },
    forget(roomNid, roomId) {
      forgotten += 1;
      byNid.delete(roomNid);
      byRoomId.delete(roomId);
    },
    async eventNids(count) {
      const nids: number[] = [];
      while (nids.length < count) {
        if (nextNid > lastNid) {
          const first = await takeEventNids(sql);
          // Another caller may have fetched a block meanwhile: what was left of it is given up.
          nextNid = first;
          lastNid = first + BLOCK - 1;
        }
        nids.push(nextNid++);
      }
      return nids;
    },
  };
}
