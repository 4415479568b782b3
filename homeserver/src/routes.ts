import { type Health, monitoringRoutes } from "./admin-api/monitoring.ts";
import { purgesRoutes } from "./admin-api/purges.ts";
import { registerRoutes } from "./admin-api/register.ts";
import { accountRoutes } from "./client-api/account-routes.ts";
import { roomRoutes } from "./client-api/room-routes.ts";
import { federationRoutes } from "./federation-api/routes.ts";
import type { Route } from "./http/route.ts";
import type { Foundation } from "./foundation.ts";
import type { Layers } from "./layers.ts";
import { createRemotePublicRooms } from "./client-api/remote-public-rooms.ts";

/** The version reported to other servers. */
const VERSION = "0.1.0";

/** Every operation of every API, bound to the layers. */
export function createRoutes(on: Foundation, layers: Layers, health: Health): Route[] {
  const { config, clock, random, remote, signingKey } = on;
  const { users, edus } = layers;
  const { serverName, publicBaseUrl, defaultRoomVersion } = config;
  return [
    ...monitoringRoutes({
      ...{ health, metrics: on.metrics },
      metricsApart: config.metricsListen !== undefined,
    }),
    ...registerRoutes({ users }),
    ...purgesRoutes(layers),
    ...accountRoutes({
      ...{ ...layers, publicBaseUrl, defaultRoomVersion },
      legacyMedia: config.legacyMedia,
    }),
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
