import type { Backoff } from "../../federation-client/requests/backoff.ts";
import type { RemoteKeys } from "../../federation-client/types.ts";
import type { Log } from "../../log/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Random } from "../../platform/random.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import type { Leases } from "../../storage/leases.ts";
import type { Sql } from "../../storage/sql.ts";
import { createListReader, type ListReader } from "./list-reader.ts";
import { createRemoteLists, type RemoteLists } from "./remote-lists.ts";
import { createResync } from "./resync.ts";
import { createListUpdates, type ListUpdates } from "./updates.ts";

/**
 * Devices and keys of other servers' users: stored, kept up to date by what their servers tell, and
 * read anew where something was missed. (Server-server API, "Device Management".)
 */
export interface DeviceLists {
  readonly lists: RemoteLists;
  readonly reader: ListReader;
  readonly updates: ListUpdates;
  stop(): Promise<void>;
}

export interface DeviceListsDeps {
  readonly sql: Sql;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly serverName: ServerName;
  /** Given when there are several replicas. */
  readonly leases: Leases | undefined;
  readonly remote: RemoteKeys;
  readonly backoff: Pick<Backoff, "waitMs" | "onAwake">;
}

export function createDeviceLists(deps: DeviceListsDeps): DeviceLists {
  const stopping = new AbortController();
  const lists = createRemoteLists(deps);
  const reader = createListReader({ ...deps, lists, signal: stopping.signal });
  const resync = createResync({ ...deps, lists, reader });
  const updates = createListUpdates({ ...deps, lists });
  return {
    lists,
    reader,
    updates,
    async stop() {
      stopping.abort();
      await resync.stop();
      await reader.settled();
    },
  };
}
