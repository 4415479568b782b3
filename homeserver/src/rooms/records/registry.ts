/** Rooms by room id and by nid, and blocks of event nids. */
import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { RoomId } from "../../protocol/identifiers.ts";
import { roomVersion, versionsAlike } from "../../protocol/room-versions.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import { roomByRoomId, roomsByNids, takeEventNids } from "../../storage/rooms/heads.ts";
import type { RoomRow } from "../../storage/rooms/versions.ts";
import { ensureRoom, settleVersion } from "../../storage/rooms/versions.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Room } from "../api/index.ts";

export interface Registry {
  byId(roomId: RoomId): Promise<Room | undefined>;
  byNids(nids: readonly number[]): Promise<Map<number, Room>>;
  /** Assigns a nid to a room that this server creates. `now` is ms since 1970. */
  make(roomId: RoomId, version: RoomVersion, now: number): Promise<Room>;
  /**
   * The room with the version that another server claims, until an accepted create event settles
   * it. Once it is settled, the claim is ignored.
   */
  claimed(roomId: RoomId, version: RoomVersion, now: number): Promise<Room | SettledVersion>;
  /**
   * The room's create event was accepted, so its version is known. "other": another version was
   * settled before; "changed": the room's events are read by another version from now on.
   */
  settle(room: Room): Promise<"settled" | "other" | "changed">;
  /** The room was deleted: if it comes back, it gets a new nid. */
  forget(roomNid: number, roomId: RoomId): void;
  /** Rising event nids that were never used before. */
  eventNids(count: number): Promise<number[]>;
}

/** The settled room version, when it is not the claimed one. */
interface SettledVersion {
  readonly settled: string;
}

const BLOCK = 1_000;

export function createRegistry(sql: Sql, max = 50_000): Registry {
  const byRoomId = new LRUCache<RoomId, Room>(atMost(max));
  const byNid = new LRUCache<number, Room>(atMost(max));
  let nextNid = 0;
  let lastNid = -1;
  let forgotten = 0;

  /** Caches a row, unless a room was forgotten while it was read: then it is used once. */
  function keep(row: RoomRow, asked: number): Room {
    const version = roomVersion(row.version);
    if (version === undefined) throw new Error(`room version ${row.version} is not supported`);
    const room: Room = { nid: row.nid, roomId: row.roomId as RoomId, version };
    // A claimed version may change, also through another replica.
    if (asked !== forgotten || !row.versionKnown) return room;
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
    async make(roomId, version, createdTs) {
      const asked = forgotten;
      const made = { roomId, version: version.id, known: true, createdTs };
      return keep(await ensureRoom(sql, made), asked);
    },
    async claimed(roomId, version, createdTs) {
      const known = byRoomId.get(roomId);
      if (known?.version === version) return known;
      const asked = forgotten;
      const claim = { roomId, version: version.id, known: false, createdTs };
      const row = await ensureRoom(sql, claim);
      const room = keep(row, asked);
      if (room.version === version) return room;
      return row.versionKnown ? { settled: row.version } : { ...room, version };
    },
    async settle({ nid, version }) {
      if (byNid.get(nid)?.version === version) return "settled";
      return settleVersion(sql, nid, version.id, versionsAlike(version));
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
          // Another caller may have fetched a block meanwhile: the rest of that one is unused.
          nextNid = first;
          lastNid = first + BLOCK - 1;
        }
        nids.push(nextNid++);
      }
      return nids;
    },
  };
}
