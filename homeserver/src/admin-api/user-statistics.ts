import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { Users } from "../users/users.ts";
import { nextOf, pageOf } from "./pages.ts";

/** How much users have uploaded, by the path that tools for Synapse use. */
export function userStatisticsRoutes({ users }: { users: Users }): Route[] {
  return [
    // GET /_synapse/admin/v1/statistics/users/media
    route("listMediaByUser", async ({ query }) => {
      const { from_ts: since = 0, until_ts: until } = query;
      if (until !== undefined && until <= since) {
        throw errors.invalidParam("until_ts is not after from_ts");
      }
      const page = pageOf(query);
      const { users: some, total } = await users.records.uploadsByUser({
        ...page,
        ...{ since, until },
        orderBy: query.order_by ?? "user_id",
        part: query.search_term?.toLowerCase(),
      });
      return {
        users: some.map(({ userId, displayName, count, bytes }) => ({
          user_id: userId,
          displayname: displayName,
          media_count: count,
          media_length: bytes,
        })),
        total,
        next_token: nextOf(page, some.length, total),
      };
    }),
  ];
}
