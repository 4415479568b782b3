import type { Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";
import { devicesRoutes } from "./devices.ts";
import { registrationTokensAdminRoutes } from "./registration-tokens.ts";
import { usersRoutes } from "./users.ts";

interface UserDeps {
  users: Users;
}

/** What administrators do with users. */
export function userRoutes(deps: UserDeps): Route[] {
  return [usersRoutes, devicesRoutes, registrationTokensAdminRoutes].flatMap((routes) =>
    routes(deps),
  );
}
