/** What administrators see of the server itself. */
import type { Foundation } from "./foundation.ts";
import { createDestinations, type Destinations } from "./oversight/destinations.ts";
import { type AuditLog, createAuditLog } from "./oversight/audit-log.ts";

export interface Oversight {
  readonly auditLog: AuditLog;
  readonly destinations: Destinations;
}

export function openOversight(on: Foundation, opened: (() => unknown)[]): Oversight {
  const { sql, clock, logger, config } = on;
  const lifetimeMs = () => config.auditLifetimeMs;
  const auditLog = createAuditLog({ sql, clock, logger, lifetimeMs });
  opened.push(() => auditLog.stop());
  const { backoff } = on.remote;
  return {
    auditLog,
    destinations: createDestinations({ sql, serverName: config.serverName, backoff }),
  };
}
