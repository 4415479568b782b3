import type { IncomingMessage } from "node:http";
import ipaddr from "ipaddr.js";
import { binary, json } from "../http/reply/reply.ts";
import { type Route, route } from "../http/route.ts";
import type { Metrics } from "../platform/metrics.ts";
import { errors } from "../protocol/errors.ts";

/** @returns undefined when requests can be served, otherwise the reason why not */
export type Health = () => Promise<string | undefined> | string | undefined;

interface MonitoringDeps {
  readonly health: Health;
  readonly metrics: Metrics;
  /** Whether the metrics are served by a listener of their own only. */
  readonly metricsApart?: boolean | undefined;
}

/**
 * Health and metrics, for monitoring. Unless they are `metricsApart`, metrics are served to this
 * machine only.
 */
export function monitoringRoutes({ health, metrics, metricsApart }: MonitoringDeps): Route[] {
  return [
    // GET /_weft/health
    route("getHealth", async ({ signal }) => {
      const reason = signal.aborted ? "stopping" : await health();
      if (reason === undefined) return { status: "ok" };
      return json({ status: "unavailable", reason }, { status: 503 });
    }),

    // GET /_weft/metrics
    route("getMetrics", async ({ request }) => {
      if (metricsApart === true || !isOfThisMachine(request.raw)) {
        throw errors.forbidden("The metrics are not served here; see metrics_listen");
      }
      return binary(await metrics.text(), { headers: { "content-type": metrics.contentType } });
    }),
  ];
}

const FORWARDED = ["x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via"];

/**
 * Decided by the socket alone, whatever proxies are trusted: what a proxy on this machine forwards
 * comes from elsewhere.
 */
function isOfThisMachine({ socket, headers }: IncomingMessage): boolean {
  if (FORWARDED.some((name) => headers[name] !== undefined)) return false;
  if ("encrypted" in socket) return false; // the listener of other servers
  const { remoteAddress } = socket;
  if (remoteAddress === undefined || !ipaddr.isValid(remoteAddress)) return false;
  return ipaddr.process(remoteAddress).range() === "loopback";
}
