import { accessTokenOf } from "../http/access/authenticate.ts";
import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { Edus } from "../edus/index.ts";
import { parseFilter } from "../protocol/filter.ts";
import type { Sync } from "../sync/index.ts";
import type { Users } from "../users/users.ts";

export interface SyncRouteDeps {
  readonly sync: Sync;
  readonly users: Pick<Users, "filters" | "sessions">;
  readonly edus: Pick<Edus, "presence">;
}

/** How long a user still counts as present after a sync has ended. */
export const LINGER_MS = 30_000;
const EVERYTHING = parseFilter({});

/** GET /_matrix/client/v3/sync. (Client-server API, "Syncing".) */
export function syncRoutes({ sync, users, edus }: SyncRouteDeps): Route[] {
  return [
    route("sync", async (context) => {
      const { query, requester } = context;
      const { userId, deviceId } = requester;
      const filter = query.filter ? await users.filters.resolve(userId, query.filter) : EVERYTHING;
      const timeout = query.timeout ?? 0;
      await edus.presence.seen(requester, query.set_presence ?? "online", timeout + LINGER_MS);
      const unstable = query["org.matrix.msc4222.use_state_after"] === true;
      const text = sync.sync({
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
        timeout,
        // Made only when the sync has to wait.
        signal: () => context.signal,
        // An application service's token ends with its registration, not with a session.
        ...(requester.service === undefined && {
          watch: () => users.sessions.watch(userId, accessTokenOf(context.request) ?? ""),
        }),
      });
      return raw(typeof text === "string" ? text : await text);
    }),
  ];
}
