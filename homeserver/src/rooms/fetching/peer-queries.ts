/** Other servers as sources of what this one lacks: one after another, and none of them too much at once. */
import type { Clock } from "../../platform/clock.ts";
import { createFairQueue } from "../../platform/fair-queue.ts";
import type { Logger } from "../../platform/logger.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { someServers } from "../../storage/rooms/members.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room } from "../api/index.ts";

/** Whom to ask, and until when. */
export interface PeerQuery {
  readonly room: Room;
  /** Asked first; then others of the room. */
  readonly first: readonly ServerName[];
  /** True: no further request is begun. */
  isOver(): boolean;
  /**
   * A state that is told counts without memberships that their own users' servers should have signed, and whose keys can't
   * be had: of a server that is gone they never can.
   */
  readonly mayLeaveOut?: boolean | undefined;
}

export interface PeerQueries {
  /** For one undertaking on behalf of a room: it begins no request after half a minute. */
  begin(room: Room, first: readonly ServerName[]): PeerQuery;
  /**
   * What the first server gives that gives something: one that fails, or answers undefined, is passed over. At most
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
/** Requests to one server, and to all, at once; those of one server that wait. */
const LIMITS = { perKey: 4, total: 64, maxWaiting: 64 };

export interface PeerQueriesDeps {
  readonly store: RoomStore;
  readonly serverName: ServerName;
  readonly clock: Clock;
  readonly logger: Logger;
  /** No further request is begun. */
  readonly stop: AbortSignal;
}

export function createPeerQueries(deps: PeerQueriesDeps): PeerQueries {
  const { store, serverName, clock, logger, stop } = deps;
  const queue = createFairQueue<ServerName>(LIMITS);

  /** The named servers, then others that are in the room: looked up only when they are needed. */
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
