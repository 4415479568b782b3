/**
 * Queries to other servers for missing events and states: one server after another, with a limit on
 * requests to each.
 */
import type { Clock } from "../../platform/clock.ts";
import { createFairQueue } from "../../platform/fair-queue.ts";
import type { Logger } from "../../platform/logger.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { someServers } from "../../storage/rooms/members.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room } from "../api/index.ts";

/** Which servers to ask, and until when. */
export interface PeerQuery {
  readonly room: Room;
  /** These are asked first, then other servers in the room. */
  readonly first: readonly ServerName[];
  /** True: no further request is started. */
  isOver(): boolean;
  /**
   * Accept a fetched state without those self-sent memberships whose signature cannot be verified
   * because the keys of the user's server are unavailable. The keys of a dead server never come
   * back.
   */
  readonly mayLeaveOut?: boolean | undefined;
}

export interface PeerQueries {
  /** Begins a query for a room. After half a minute it starts no further request. */
  begin(room: Room, first: readonly ServerName[]): PeerQuery;
  /**
   * Returns the first server's result. A server that fails or returns undefined is skipped. At most
   * MAX_SERVERS are asked.
   */
  ask<T>(
    query: PeerQuery,
    what: string,
    attempt: (server: ServerName) => Promise<T | undefined>,
  ): Promise<T | undefined>;
}

const MAX_SERVERS = 4;
const QUERY_MS = 30_000;
/** Concurrent requests per server and in total; requests waiting per server. */
const LIMITS = { perKey: 4, total: 64, maxWaiting: 64 };

export interface PeerQueriesDeps {
  readonly store: RoomStore;
  readonly serverName: ServerName;
  readonly clock: Clock;
  readonly logger: Logger;
  /** No further request is started. */
  readonly stop: AbortSignal;
}

export function createPeerQueries(deps: PeerQueriesDeps): PeerQueries {
  const { store, serverName, clock, logger, stop } = deps;
  const queue = createFairQueue<ServerName>(LIMITS);

  /** The named servers, then others in the room, which are only looked up when needed. */
  async function* candidates({ room, first }: PeerQuery): AsyncGenerator<ServerName> {
    const seen = new Set<string>([serverName]);
    for (const server of first) {
      if (seen.has(server)) continue;
      seen.add(server);
      yield server;
    }
    for (const server of await someServers(store.sql, room.nid)) {
      if (!seen.has(server)) yield server as ServerName;
    }
  }

  return {
    begin(room, first) {
      const end = clock.monotonic() + QUERY_MS;
      return { room, first, isOver: () => stop.aborted || clock.monotonic() > end };
    },
    async ask(query, what, attempt) {
      let asked = 0;
      for await (const server of candidates(query)) {
        if (query.isOver() || asked >= MAX_SERVERS) return undefined;
        asked += 1;
        try {
          const found = await queue.run(server, () => attempt(server));
          if (found !== undefined) return found;
        } catch (error) {
          const fields = { err: error, server, room: query.room.roomId };
          logger.info(fields, `${what} could not be had from a server`);
        }
      }
      return undefined;
    },
  };
}
