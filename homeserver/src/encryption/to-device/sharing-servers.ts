import { LRUCache, atMost } from "../../platform/caches.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Log } from "../../log/types.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { serversShareRoom } from "../../storage/rooms/members.ts";
import type { Sql } from "../../storage/sql.ts";

/** Which servers share a room with this one. */
export interface SharingServers {
  /** Whether a server does. One that left is taken for one that does for up to a minute. */
  has(server: ServerName): Promise<boolean>;
  stop(): void;
}

/** How long an answer is remembered. */
const REMEMBERED_MS = 60_000;
const MAX_SERVERS = 10_000;

export function createSharingServers(deps: {
  readonly sql: Sql;
  readonly log: Log;
  readonly clock: Pick<Clock, "monotonic">;
  readonly serverName: ServerName;
}): SharingServers {
  const { sql, log, clock, serverName } = deps;
  const options = {
    ...{ ttl: REMEMBERED_MS, ttlResolution: 0, perf: { now: clock.monotonic } },
    ...atMost(MAX_SERVERS),
  };
  const sharing = new LRUCache<string, true>(options);
  const others = new LRUCache<string, true>(options);
  /** Rises with each join. */
  let joins = 0;

  const unfollow = log.follow({
    phase: "caches",
    kinds: ["event", "membership"],
    take(records) {
      for (const record of records) {
        for (const change of record.kind === "event" ? record.memberships : [record]) {
          if (change.membership !== "join") continue;
          joins += 1;
          // Whoever is in the room that a local user entered.
          if (change.server === serverName) others.clear();
          else others.delete(change.server);
        }
      }
    },
  });

  return {
    async has(server) {
      if (sharing.has(server)) return true;
      if (others.has(server)) return false;
      const before = joins;
      const shares = await serversShareRoom(sql, server, serverName);
      if (shares) sharing.set(server, true);
      else if (joins === before) others.set(server, true);
      return shares;
    },
    stop: unfollow,
  };
}
