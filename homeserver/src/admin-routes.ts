import { backgroundRoutes } from "./admin-api/background.ts";
import { healthRoutes, type ShownSetting } from "./admin-api/health.ts";
import { type Health, monitoringRoutes } from "./admin-api/monitoring.ts";
import { auditRoutes } from "./admin-api/audit.ts";
import { mediaRoutes } from "./admin-api/media.ts";
import { federationRoutes as adminFederationRoutes } from "./admin-api/federation.ts";
import { serverVersionRoutes } from "./admin-api/server-version.ts";
import { storageRoutes } from "./admin-api/storage.ts";
import { purgesRoutes } from "./admin-api/purges.ts";
import { eventReportsRoutes } from "./admin-api/event-reports.ts";
import { reportsRoutes } from "./admin-api/reports.ts";
import { roomMembersRoutes } from "./admin-api/room-members.ts";
import { userReportsRoutes } from "./admin-api/user-reports.ts";
import { roomStatusRoutes } from "./admin-api/room-status.ts";
import { roomUpkeepRoutes } from "./admin-api/room-upkeep.ts";
import { roomHistoryRoutes } from "./admin-api/room-history.ts";
import { adminRoomsRoutes } from "./admin-api/rooms.ts";
import { noticeSendingsRoutes } from "./admin-api/notice-sendings.ts";
import { serverNoticesRoutes } from "./admin-api/server-notices.ts";
import { registerRoutes } from "./admin-api/register.ts";
import { socketRoutes } from "./admin-api/socket.ts";
import { userRoutes } from "./admin-api/user-routes.ts";
import type { Foundation } from "./foundation.ts";
import type { Route } from "./http/route.ts";
import type { Layers } from "./layers.ts";
import { VERSION } from "./version.ts";

/** What the start of the server knows of it. */
export interface Watched {
  readonly health: Health;
  readonly shownSettings: () => readonly ShownSetting[];
  /** When they were last read, in ms since 1970. */
  readonly settingsReadTs: () => number;
}

/** Every operation for administrators and monitoring, bound to the layers. */
export function adminRoutes(on: Foundation, layers: Layers, watched: Watched): Route[] {
  const { config, remote, log, clock } = on;
  const { users } = layers;
  const { health, ...shown } = watched;
  const { serverName, publicBaseUrl } = config;
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
    ...roomStatusRoutes(layers),
    ...roomUpkeepRoutes(layers),
    ...eventReportsRoutes(layers),
    ...userReportsRoutes(layers),
    ...reportsRoutes(layers),
    ...purgesRoutes(layers),
    ...serverNoticesRoutes(layers),
    ...noticeSendingsRoutes({ ...layers, serverName }),
    ...mediaRoutes(layers),
    ...auditRoutes(layers),
    ...adminFederationRoutes({ ...layers, blockedServers: remote.blocked }),
    ...serverVersionRoutes({ version: VERSION }),
    ...userRoutes({ ...layers, publicBaseUrl, clock }),
    ...storageRoutes(layers),
    ...backgroundRoutes({ ...layers, log }),
    ...healthRoutes({
      ...{ ...layers, serverName, version: VERSION, log, ...shown },
      isEmbedded: config.databaseUrl === undefined,
      usesRedis: on.replicas !== undefined,
    }),
  ];
}
