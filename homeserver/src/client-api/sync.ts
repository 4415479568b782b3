import { raw } from "../http/reply.ts";
import { route, type Route } from "../http/route.ts";
import { parseFilter, type SyncFilter } from "../protocol/filter.ts";
import type { UserId } from "../protocol/identifiers.ts";
import type { Sync } from "../sync/index.ts";
import { parseQueryJson } from "./event-filter.ts";

export interface SyncRouteDeps {
  readonly sync: Sync;
  /** A stored filter. @throws MatrixError M_NOT_FOUND 404 */
  readonly filterById: (userId: UserId, filterId: string) => Promise<SyncFilter>;
  /** The user is here, as far as a client that syncs says. */
  readonly setPresence: (
    userId: UserId,
    presence: "online" | "offline" | "unavailable",
  ) => Promise<void> | void;
}

/** GET /_matrix/client/v3/sync. (Client-server API, "Syncing".) */
export function syncRoutes({ sync, filterById, setPresence }: SyncRouteDeps): Route[] {
  const everything = parseFilter({});

  function filterOf(userId: UserId, text: string | undefined): SyncFilter | Promise<SyncFilter> {
    if (text === undefined || text === "") return everything;
    if (text.startsWith("{")) return parseFilter(parseQueryJson(text));
    return filterById(userId, text);
  }

  return [
    route("sync", async ({ query, requester, signal }) => {
      const { userId, deviceId } = requester;
      const filter = await filterOf(userId, query.filter);
      await setPresence(userId, query.set_presence ?? "online");
      const unstable = query["org.matrix.msc4222.use_state_after"] === true;
      const text = await sync.sync({
        userId,
        deviceId,
        since: query.since === "" ? undefined : query.since,
        filter,
        fullState: query.full_state ?? false,
        stateAfter: query.use_state_after
          ? "state_after"
          : unstable
            ? "org.matrix.msc4222.state_after"
            : undefined,
        timeout: query.timeout ?? 0,
        signal,
      });
      return raw(text);
    }),
  ];
}
