/** Which rooms have partial state: cached, and kept up to date by the log. */
import type { RecordOf } from "../../log/types.ts";
import { createLoadingCache } from "../../platform/caches.ts";
import type { Clock } from "../../platform/clock.ts";
import { MatrixError } from "../../protocol/errors.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { partialRoomsByNids } from "../../storage/rooms/partial-rooms.ts";
import type { PartialRoomRow } from "../../storage/rooms/partial-rooms.ts";
import type { Sql } from "../../storage/sql.ts";
import type { PartialRoom } from "../api/reading.ts";

export interface PartialRooms {
  /** Those of the rooms that are or were partial, from the database. */
  among(roomNids: readonly number[]): Promise<Map<number, PartialRoom>>;
  isPartial(roomNid: number): Promise<boolean>;
  /**
   * The servers in the room that were listed when it was joined, as long as its members are
   * unknown.
   */
  servers(roomNid: number): Promise<readonly ServerName[]>;
  /** The same, also when the members never became known because all local users had left. */
  serversEver(roomNid: number): Promise<readonly ServerName[]>;
  /**
   * Resolves once the room's state is complete. M_CONNECTION_TIMEOUT 504 when that takes too long.
   */
  whole(roomNid: number): Promise<void>;
  /** Applies records of the log. */
  follow(records: readonly RecordOf<"partial_state" | "purge">[]): void;
}

const WAIT_MS = 60_000;
const NEVER: Known = { isComplete: true, isWhole: true, position: 0, servers: [] };

interface Known extends PartialRoom {
  /** The members are known. (Otherwise the resync may have ended without them.) */
  readonly isWhole: boolean;
}

export function createPartialRooms(sql: Sql, clock: Clock): PartialRooms {
  const rooms = createLoadingCache<number, Known>({
    max: 50_000,
    async load(roomNid) {
      const [row] = await partialRoomsByNids(sql, [roomNid]);
      return row === undefined ? NEVER : partialRoomOf(row);
    },
  });
  const waiting = new Map<number, Set<() => void>>();

  async function isPartial(roomNid: number): Promise<boolean> {
    return (await rooms.get(roomNid))?.isComplete === false;
  }

  function changed(roomNid: number): void {
    rooms.delete(roomNid);
    for (const wake of waiting.get(roomNid) ?? []) wake();
  }

  function nextChange(roomNid: number, ms: number): Promise<void> {
    const over = new AbortController();
    return new Promise((resolve) => {
      const all = waiting.get(roomNid) ?? new Set();
      const wake = () => {
        all.delete(wake);
        if (all.size === 0) waiting.delete(roomNid);
        over.abort();
        resolve();
      };
      waiting.set(roomNid, all.add(wake));
      void clock.sleep(ms, over.signal).then(wake);
    });
  }

  return {
    async among(roomNids) {
      const rows = roomNids.length === 0 ? [] : await partialRoomsByNids(sql, roomNids);
      return new Map(rows.map((row) => [row.roomNid, partialRoomOf(row)]));
    },
    isPartial,
    async servers(roomNid) {
      const room = await rooms.get(roomNid);
      return room?.isComplete === false ? room.servers : [];
    },
    async serversEver(roomNid) {
      const room = await rooms.get(roomNid);
      return room === undefined || room.isWhole ? [] : room.servers;
    },
    async whole(roomNid) {
      const until = clock.monotonic() + WAIT_MS;
      while (await isPartial(roomNid)) {
        const left = until - clock.monotonic();
        if (left > 0) await nextChange(roomNid, left);
        else throw stillLoading();
      }
    },
    follow(records) {
      for (const { roomNid } of records) changed(roomNid);
    },
  };
}

function partialRoomOf({ complete, fetched, position, servers }: PartialRoomRow): Known {
  const isWhole = complete && fetched;
  return { isComplete: complete, isWhole, position, servers: servers as ServerName[] };
}

function stillLoading(): MatrixError {
  const message = "The room's members are still being fetched from other servers: try again later";
  return new MatrixError(504, "M_CONNECTION_TIMEOUT", message);
}
