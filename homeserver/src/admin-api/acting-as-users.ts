import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import { usersInPaths } from "./known-user.ts";

/** Acting as users, by the paths that tools for Synapse use. */
export function actingAsUsersRoutes({ users }: { users: Users }): Route[] {
  const { local } = usersInPaths(users.accounts);
  return [
    // POST /_synapse/admin/v1/users/{userId}/login
    route("loginAsUser", async ({ requester, params, body: { valid_until_ms: until = null } }) => {
      const userId = local(params.userId);
      return { access_token: await users.administration.actAs(requester.userId, userId, until) };
    }),
  ];
}
