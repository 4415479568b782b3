import { accessTokenOf } from "../http/access/authenticate.ts";
import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import { parseSlidingBody } from "../sync/index.ts";
import { LINGER_MS, type SyncRouteDeps } from "./sync.ts";

/** Sliding sync. (MSC4186.) */
export function slidingSyncRoutes({ sync, users, edus }: SyncRouteDeps): Route[] {
  return [
    route("slidingSync", async (context) => {
      const { query, requester } = context;
      const { userId, deviceId } = requester;
      const body = parseSlidingBody(context.body, userId);
      const timeout = query.timeout ?? 0;
      await edus.presence.seen(requester, query.set_presence ?? "online", timeout + LINGER_MS);
      const text = await sync.sliding({
        ...{ userId, deviceId, body, timeout },
        pos: query.pos === "" ? undefined : query.pos,
        signal: () => context.signal,
        // An application service's token ends with its registration, not with a session.
        ...(requester.service === undefined && {
          watch: () => users.sessions.watch(userId, accessTokenOf(context.request) ?? ""),
        }),
      });
      return raw(text);
    }),
  ];
}
