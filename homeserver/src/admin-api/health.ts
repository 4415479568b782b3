import type { Log } from "../log/types.ts";
import { route, type Route } from "../http/route.ts";
import type { ServerHealth } from "../oversight/health.ts";
import type { Samples } from "../oversight/samples.ts";
import type { ServiceOversight } from "../oversight/services.ts";
import type { SampleRow } from "../storage/oversight/samples.ts";

/** A setting as administrators may see it. */
export interface ShownSetting {
  readonly name: string;
  /** Its name in the environment. */
  readonly variable: string;
  /** null: nothing, or a secret. */
  readonly value: unknown;
  readonly default: unknown;
  readonly isSet: boolean;
  readonly isHidden: boolean;
  readonly isLive: boolean;
  readonly description: string;
}

export interface HealthDeps {
  readonly serverName: string;
  readonly version: string;
  readonly isEmbedded: boolean;
  readonly usesRedis: boolean;
  readonly serverHealth: ServerHealth;
  readonly samples: Pick<Samples, "replica" | "startedTs">;
  readonly serviceOversight: ServiceOversight;
  readonly log: Pick<Log, "position">;
  readonly shownSettings: () => readonly ShownSetting[];
  /** When they were last read, in ms since 1970. */
  readonly settingsReadTs: () => number;
}

/** How the server does. */
export function healthRoutes(deps: HealthDeps): Route[] {
  const { serverHealth, samples, serviceOversight } = deps;
  return [
    // GET /_weft/admin/health
    route("getServerHealth", async () => {
      const { replicas, database, queues, failingServers } = await serverHealth.now();
      return {
        server_name: deps.serverName,
        version: deps.version,
        node_version: process.versions.node,
        replica: samples.replica,
        started_ts: samples.startedTs,
        replicas: replicas.map(shownReplica),
        database: {
          is_embedded: deps.isEmbedded,
          version: database.version,
          size_bytes: database.sizeBytes,
          connections: database.connections,
          max_connections: database.maxConnections,
        },
        uses_redis: deps.usesRedis,
        log_position: deps.log.position,
        queues: queues.map(({ name, length, isMore }) => ({ name, length, is_more: isMore })),
        failing_servers: failingServers,
      };
    }),

    // GET /_weft/admin/health/history
    route("getHealthHistory", async ({ query: { span = "hour" } }) => {
      const { stepMs, points } = await serverHealth.history(span);
      return {
        step_ms: stepMs,
        points: points.map((point) => ({
          ...{ ts: point.ts, replicas: point.replicas, cpu: point.cpu },
          ...{ requests: point.requests, failed: point.failed },
          ...{ p50_ms: point.p50Ms, p95_ms: point.p95Ms },
          memory_bytes: point.memoryBytes,
          delay_ms: point.delayMs,
          log_position: point.logPosition,
        })),
      };
    }),

    // GET /_weft/admin/settings
    route("getSettings", () => ({
      settings: deps.shownSettings().map(({ isSet, isHidden, isLive, ...rest }) => ({
        ...rest,
        ...{ is_set: isSet, is_hidden: isHidden, is_live: isLive },
      })),
      read_ts: deps.settingsReadTs(),
    })),

    // GET /_weft/admin/application_services
    route("getApplicationServices", async () => ({
      services: (await serviceOversight.list()).map(({ service, state, behind }) => ({
        id: service.id,
        url: service.url ?? null,
        sender: service.sender,
        protocols: service.protocols,
        is_rate_limited: service.isRateLimited,
        users: service.users.list,
        aliases: service.aliases.list,
        rooms: service.rooms.list,
        position: state.position,
        behind,
        is_waiting: state.isWaiting,
        failures: state.failures,
        problem: state.problem,
        retry_ts: state.retryTs,
      })),
    })),

    // POST /_weft/admin/application_services/{serviceId}/retry
    route("retryApplicationService", ({ params }) => {
      serviceOversight.retry(params.serviceId);
      return {};
    }),
  ];
}

function shownReplica(row: SampleRow) {
  return {
    replica: row.replica,
    version: row.version,
    started_ts: row.startedTs,
    seen_ts: row.ts,
    requests: row.requests,
    failed: row.failed,
    p95_ms: row.p95Ms,
    memory_bytes: row.memoryBytes,
    cpu: row.cpu,
  };
}
