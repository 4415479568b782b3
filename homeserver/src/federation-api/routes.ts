import type { Route } from "../http/route.ts";
import type { Spaces } from "../spaces/index.ts";
import { type BackfillDeps, backfillRoutes } from "./backfill.ts";
import { type ContentRepositoryDeps, contentRepositoryRoutes } from "./content-repository.ts";
import { eventAuthRoutes } from "./event-auth.ts";
import { type EventsDeps, eventsRoutes } from "./events.ts";
import { invitesRoutes } from "./invites.ts";
import { joinsRoutes } from "./joins.ts";
import { type KeysDeps, keysRoutes } from "./keys.ts";
import { knocksRoutes } from "./knocks.ts";
import { leavingRoutes } from "./leaving.ts";
import { type OpenidDeps, openidRoutes } from "./openid.ts";
import { type PolicyDeps, policyRoutes } from "./policy.ts";
import { publicRoomsRoutes } from "./public-rooms.ts";
import { type QueryDeps, queryRoutes } from "./query.ts";
import { spaceHierarchyRoutes } from "./space-hierarchy.ts";
import { type ThirdPartyInvitesDeps, thirdPartyInvitesRoutes } from "./third-party-invites.ts";
import { type TransactionsDeps, transactionsRoutes } from "./transactions.ts";
import { type UserDevicesDeps, userDevicesRoutes } from "./user-devices.ts";
import { type UserKeysDeps, userKeysRoutes } from "./user-keys.ts";
import { versionRoutes } from "./version.ts";
import { type WellknownDeps, wellknownRoutes } from "./wellknown.ts";

export type FederationDeps = BackfillDeps &
  ContentRepositoryDeps &
  EventsDeps &
  KeysDeps &
  OpenidDeps &
  PolicyDeps &
  QueryDeps &
  ThirdPartyInvitesDeps &
  TransactionsDeps &
  UserDevicesDeps &
  UserKeysDeps &
  WellknownDeps & { readonly spaces: Spaces; readonly version: string };

/** Everything that other servers may ask. (Server-server API.) */
export function federationRoutes(deps: FederationDeps): Route[] {
  return [
    ...backfillRoutes(deps),
    ...contentRepositoryRoutes(deps),
    ...eventAuthRoutes(deps),
    ...eventsRoutes(deps),
    ...invitesRoutes(deps),
    ...joinsRoutes(deps),
    ...keysRoutes(deps),
    ...knocksRoutes(deps),
    ...leavingRoutes(deps),
    ...openidRoutes(deps),
    ...policyRoutes(deps),
    ...publicRoomsRoutes(deps),
    ...queryRoutes(deps),
    ...spaceHierarchyRoutes(deps),
    ...thirdPartyInvitesRoutes(deps),
    ...transactionsRoutes(deps),
    ...userDevicesRoutes(deps),
    ...userKeysRoutes(deps),
    ...versionRoutes(deps),
    ...wellknownRoutes(deps),
  ];
}
