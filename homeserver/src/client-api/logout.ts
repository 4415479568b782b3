import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";

export function logoutRoutes(deps: { users: Users }): Route[] {
  const { acting, devices } = deps.users;
  return [
    // POST /_matrix/client/v3/logout
    route("logout", ({ requester: { userId, deviceId, tokenHash } }) =>
      deviceId === "" ? acting.end(userId, tokenHash) : devices.remove(userId, [deviceId]),
    ),

    // POST /_matrix/client/v3/logout/all
    route("logout_all", ({ requester }) => devices.removeOthers(requester.userId, undefined)),
  ];
}
