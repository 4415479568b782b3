/** What administrators see of the server itself. */
import type { Retries } from "./appservice/retries.ts";
import type { Services } from "./appservice/services.ts";
import type { Foundation } from "./foundation.ts";
import { type AuditLog, createAuditLog } from "./oversight/audit-log.ts";
import { createDestinations, type Destinations } from "./oversight/destinations.ts";
import { createServerHealth, type ServerHealth } from "./oversight/health.ts";
import { createSamples, type Samples } from "./oversight/samples.ts";
import { createServiceOversight, type ServiceOversight } from "./oversight/services.ts";
import { createStorageOversight, type StorageOversight } from "./oversight/storage.ts";
import { VERSION } from "./version.ts";

export interface Oversight {
  readonly auditLog: AuditLog;
  readonly destinations: Destinations;
  readonly serverHealth: ServerHealth;
  readonly serviceOversight: ServiceOversight;
  readonly samples: Samples;
  readonly storageOversight: StorageOversight;
}

export function openOversight(
  on: Foundation,
  opened: (() => unknown)[],
  { services, retries }: { readonly services: Services; readonly retries: Retries },
): Oversight {
  const { sql, clock, logger, config, log, random } = on;
  const lifetimeMs = () => config.auditLifetimeMs;
  const auditLog = createAuditLog({ sql, clock, logger, lifetimeMs });
  opened.push(() => auditLog.stop());
  const logPosition = () => log.position;
  const samples = createSamples({
    ...{ sql, clock, logger, logPosition },
    replica: random.alphanumeric(8),
    version: VERSION,
  });
  opened.push(() => samples.stop());
  const { backoff } = on.remote;
  return {
    ...{ auditLog, samples },
    destinations: createDestinations({ sql, serverName: config.serverName, backoff }),
    storageOversight: createStorageOversight({ sql, serverName: config.serverName }),
    serverHealth: createServerHealth({ sql, clock }),
    serviceOversight: createServiceOversight({ sql, services, retries, logPosition }),
  };
}
