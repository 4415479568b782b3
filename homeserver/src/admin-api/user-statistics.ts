import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import type { Users } from "../users/users.ts";

const LIMIT = 100;
const MAX_LIMIT = 1000;

/** How much users have uploaded, by the path that tools for Synapse use. */
export function userStatisticsRoutes({ users }: { users: Users }): Route[] {
  return [
    // GET /_synapse/admin/v1/statistics/users/media
    route("listMediaByUser", async ({ query }) => {
      const { from = 0, limit = LIMIT, from_ts: since = 0, until_ts: until } = query;
      if (until !== undefined && until <= since) {
        throw errors.invalidParam("until_ts is not after from_ts");
      }
      const { users: some, total } = await users.records.uploadsByUser({
        ...{ from, since, until },
        limit: Math.min(limit, MAX_LIMIT),
        orderBy: query.order_by ?? "user_id",
        backwards: query.dir === "b",
        part: query.search_term?.toLowerCase(),
      });
      const next = from + some.length;
      return {
        users: some.map(({ userId, displayName, count, bytes }) => ({
          user_id: userId,
          displayname: displayName,
          media_count: count,
          media_length: bytes,
        })),
        total,
        ...(next < total && some.length > 0 && { next_token: next }),
      };
    }),
  ];
}
