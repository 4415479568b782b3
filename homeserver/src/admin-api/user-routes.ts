import type { Route } from "../http/route.ts";
import type { UserRedactions } from "../user-redactions/index.ts";
import { actingAsUsersRoutes } from "./acting-as-users.ts";
import { devicesRoutes } from "./devices.ts";
import { findingUsersRoutes } from "./finding-users.ts";
import { type NewUsersDeps, newUsersRoutes } from "./new-users.ts";
import { rateLimitsRoutes } from "./rate-limits.ts";
import { shadowBansRoutes } from "./shadow-bans.ts";
import { registrationTokensAdminRoutes } from "./registration-tokens.ts";
import { userDataRoutes } from "./user-data.ts";
import { userRedactionsRoutes } from "./user-redactions.ts";
import { userRoomsRoutes } from "./user-rooms.ts";
import { usersRoutes } from "./users.ts";
import { userStatisticsRoutes } from "./user-statistics.ts";

/** What administrators do with users. */
export function userRoutes(deps: NewUsersDeps & { userRedactions: UserRedactions }): Route[] {
  return [
    ...[usersRoutes, devicesRoutes, registrationTokensAdminRoutes, newUsersRoutes],
    ...[userDataRoutes, userRoomsRoutes, userStatisticsRoutes, findingUsersRoutes],
    ...[actingAsUsersRoutes, rateLimitsRoutes, userRedactionsRoutes, shadowBansRoutes],
  ].flatMap((routes) => routes(deps));
}
