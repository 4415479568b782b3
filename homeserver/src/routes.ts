import { type Health, monitoringRoutes } from "./admin-api/monitoring.ts";
import { auditRoutes } from "./admin-api/audit.ts";
import { mediaRoutes } from "./admin-api/media.ts";
import { federationRoutes as adminFederationRoutes } from "./admin-api/federation.ts";
import { serverVersionRoutes } from "./admin-api/server-version.ts";
import { purgesRoutes } from "./admin-api/purges.ts";
import { eventReportsRoutes } from "./admin-api/event-reports.ts";
import { reportsRoutes } from "./admin-api/reports.ts";
import { roomMembersRoutes } from "./admin-api/room-members.ts";
import { userReportsRoutes } from "./admin-api/user-reports.ts";
import { roomHistoryRoutes } from "./admin-api/room-history.ts";
import { adminRoomsRoutes } from "./admin-api/rooms.ts";
import { serverNoticesRoutes } from "./admin-api/server-notices.ts";
import { registerRoutes } from "./admin-api/register.ts";
import { socketRoutes } from "./admin-api/socket.ts";
import { userRoutes } from "./admin-api/user-routes.ts";
import { accountRoutes } from "./client-api/account-routes.ts";
import { roomRoutes } from "./client-api/room-routes.ts";
import { oauthRoutes, openSsoEntry } from "./oauth-api/routes.ts";
import { federationRoutes } from "./federation-api/routes.ts";
import type { Route } from "./http/route.ts";
import type { Foundation } from "./foundation.ts";
import type { Layers } from "./layers.ts";
import { createOpenIdTokens } from "./users/accounts/openid.ts";
import { createRemotePublicRooms } from "./client-api/remote-public-rooms.ts";

/** The version reported to other servers. */
const VERSION = "0.1.0";

/** Every operation of every API, bound to the layers. */
export function createRoutes(on: Foundation, layers: Layers, health: Health): Route[] {
  const { config, clock, random, remote, signingKey } = on;
  const { users, edus } = layers;
  const { serverName, publicBaseUrl } = config;
  const secret = signingKey.seedBase64;
  const openId = createOpenIdTokens({ accounts: users.accounts, clock, random, secret });
  return [
    ...monitoringRoutes({
      ...{ health, metrics: on.metrics },
      metricsApart: config.metricsListen !== undefined,
    }),
    ...socketRoutes(),
    ...registerRoutes({ users }),
    ...adminRoomsRoutes(layers),
    ...roomHistoryRoutes(layers),
    ...roomMembersRoutes(layers),
    ...eventReportsRoutes(layers),
    ...userReportsRoutes(layers),
    ...reportsRoutes(layers),
    ...purgesRoutes(layers),
    ...serverNoticesRoutes(layers),
    ...mediaRoutes(layers),
    ...auditRoutes(layers),
    ...adminFederationRoutes({ ...layers, blockedServers: remote.blocked }),
    ...serverVersionRoutes({ version: VERSION }),
    ...userRoutes(layers),
    ...accountRoutes({
      ...{ ...layers, publicBaseUrl, openId, clock, serverName },
      ssoPages: openSsoEntry({ users, publicBaseUrl }),
      settings: config,
      webPushKey: on.webPushKey.publicKey,
    }),
    ...oauthRoutes({ users, publicBaseUrl }),
    ...roomRoutes({
      ...layers,
      clock,
      serverName,
      remotePublicRooms: createRemotePublicRooms(remote.server),
    }),
    ...federationRoutes({
      ...layers,
      clock,
      random,
      openId,
      serverName,
      signingKey,
      version: VERSION,
      federationPort: config.federationListen?.port,
      keyObject: (server, validAt) => remote.keyRing.keyObject(server, validAt),
      receivedFrom: (server) => remote.backoff.receivedFrom(server),
      receiveEdu: (origin, type, content) => edus.receive(origin, type, content),
      localProfile: (userId) => users.profiles.local(userId),
    }),
  ];
}
