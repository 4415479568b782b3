import { route, type Route } from "../http/route.ts";
import type { OwnRate } from "../users/common/types.ts";
import type { Users } from "../users/users.ts";
import { usersInPaths } from "./known-user.ts";

/** Rates of single users, by the paths that tools for Synapse use. */
export function rateLimitsRoutes({ users }: { users: Users }): Route[] {
  const { accounts, moderation } = users;
  const { known, local } = usersInPaths(accounts);

  return [
    // GET /_synapse/admin/v1/users/{userId}/override_ratelimit
    route("getUserRateLimit", async ({ params }) =>
      rateOf((await accounts.find(await known(params.userId)))?.rate),
    ),

    // POST /_synapse/admin/v1/users/{userId}/override_ratelimit
    route("setUserRateLimit", async ({ params, body }) => {
      const { messages_per_second: perSecond = 0, burst_count: burst = 0 } = body;
      await moderation.setRate(local(params.userId), { perSecond, burst });
      return rateOf({ perSecond, burst });
    }),

    // DELETE /_synapse/admin/v1/users/{userId}/override_ratelimit
    route("deleteUserRateLimit", ({ params }) =>
      moderation.setRate(local(params.userId), undefined),
    ),
  ];
}

function rateOf(rate: OwnRate | undefined) {
  return rate === undefined ? {} : { messages_per_second: rate.perSecond, burst_count: rate.burst };
}
