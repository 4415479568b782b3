import { LRUCache } from "lru-cache";
import {
  advanceSlidingConnection,
  beginSlidingConnection,
  deleteUnusedSlidingConnections,
  findSlidingState,
  type SlidingConnectionKey,
  touchSlidingConnection,
  trimSlidingConnections,
} from "../../storage/sliding-connections.ts";
import type { Sql } from "../../storage/sql.ts";
import { type ConnectionState, decodeState, encodeState } from "./connection-state.ts";
import { unknownPosition } from "./position.ts";

/** Connections of a device: those that changed longest ago end when there are more. */
const MAX_CONNECTIONS = 8;
/** A connection that nobody used for so long ends, */
const UNUSED_MS = 30 * 24 * 3_600_000;
/** and so seldom is it written down that it is in use. */
const TOUCH_MS = 24 * 3_600_000;
/** Rooms in all states in memory. */
const ROOMS_KEPT = 2_000_000;

/**
 * States of connections. They are in the database, each under a version of its own, so that every
 * replica can go on with them; a version never changes, so memory is never wrong about it.
 */
export function createConnections(deps: { readonly sql: Sql; readonly now: () => number }) {
  const { sql, now } = deps;
  const states = new LRUCache<string, Kept>({
    maxSize: ROOMS_KEPT,
    sizeCalculation: ({ state }) => state.rooms.size + state.receipts.size + 100,
  });
  // A version is only of use to whom it belongs.
  const keyOf = ({ userId, deviceId, connId }: SlidingConnectionKey, version: number) =>
    JSON.stringify([userId, deviceId, connId, version]);

  async function read(key: SlidingConnectionKey, version: number): Promise<Kept | undefined> {
    const row = await findSlidingState(sql, key, version);
    const state = row && decodeState(row.state);
    if (state === undefined) return undefined;
    const kept = { state, usedTs: row!.usedTs };
    states.set(keyOf(key, version), kept);
    return kept;
  }

  return {
    /** @throws MatrixError 400 M_UNKNOWN_POS when it is not kept. */
    async load(key: SlidingConnectionKey, version: number): Promise<ConnectionState> {
      const kept = states.get(keyOf(key, version)) ?? (await read(key, version));
      if (kept === undefined) throw unknownPosition();
      if (now() - kept.usedTs > TOUCH_MS) {
        kept.usedTs = now();
        await touchSlidingConnection(sql, key, kept.usedTs);
      }
      return kept.state;
    },

    /**
     * Keeps a state that follows a version (undefined: it is a new connection) and returns its own
     * version. @throws MatrixError 400 M_UNKNOWN_POS when the connection went on, or ended.
     */
    async save(
      key: SlidingConnectionKey,
      from: number | undefined,
      state: ConnectionState,
    ): Promise<number> {
      const bytes = encodeState(state);
      const version =
        from === undefined
          ? await beginSlidingConnection(sql, key, bytes, now())
          : await advanceSlidingConnection(sql, key, from, bytes, now());
      if (version === undefined) throw unknownPosition();
      if (from === undefined) {
        await trimSlidingConnections(sql, key.userId, key.deviceId, MAX_CONNECTIONS);
        await deleteUnusedSlidingConnections(sql, now() - UNUSED_MS);
      }
      states.set(keyOf(key, version), { state, usedTs: now() });
      return version;
    },
  };
}

interface Kept {
  readonly state: ConnectionState;
  /** When it was last written down that the connection is in use, ms since 1970. */
  usedTs: number;
}

export type Connections = ReturnType<typeof createConnections>;
