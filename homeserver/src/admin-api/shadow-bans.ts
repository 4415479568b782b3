import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import { usersInPaths } from "./known-user.ts";

/** Shadow bans, by the paths that tools for Synapse use. */
export function shadowBansRoutes({ users }: { users: Users }): Route[] {
  const { moderation } = users;
  const { local } = usersInPaths(users.accounts);
  return [
    // POST /_synapse/admin/v1/users/{userId}/shadow_ban
    route("shadowBanUser", ({ requester, params }) =>
      moderation.change(requester.userId, local(params.userId), { shadowBanned: true }),
    ),

    // DELETE /_synapse/admin/v1/users/{userId}/shadow_ban
    route("endShadowBan", ({ requester, params }) =>
      moderation.change(requester.userId, local(params.userId), { shadowBanned: false }),
    ),
  ];
}
