import { raw } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { Sync } from "../sync/index.ts";

/** What a user was notified of. (Client-server API, "Listing notifications".) */
export function notificationsRoutes(deps: {
  sync: { readonly notifications: Pick<Sync["notifications"], "list"> };
}): Route[] {
  const { list } = deps.sync.notifications;
  return [
    // GET /_matrix/client/v3/notifications
    route("getNotifications", async ({ query, requester }) => {
      const { from, limit, only } = query;
      const onlyHighlights = only === "highlight";
      const { notifications, next } = await list(requester, { from, limit, onlyHighlights });
      const token = next === undefined ? "" : `"next_token":${JSON.stringify(next)},`;
      return raw(`{${token}"notifications":[${notifications.join(",")}]}`);
    }),
  ];
}
