import type { Metrics } from "../platform/metrics.ts";
import { binary, json } from "./reply.ts";
import { type Route, route } from "./route.ts";

/** @returns undefined when requests can be served, otherwise the reason why not */
export type Health = () => Promise<string | undefined> | string | undefined;

/** GET /_weft/health and GET /_weft/metrics. */
export function weftRoutes(health: Health, metrics: Metrics, draining: AbortSignal): Route[] {
  return [
    route("getHealth", async () => {
      const reason = draining.aborted ? "stopping" : await health();
      if (reason === undefined) return { status: "ok" };
      return json({ status: "unavailable", reason }, { status: 503 });
    }),
    route("getMetrics", async () =>
      binary(await metrics.text(), { headers: { "content-type": metrics.contentType } }),
    ),
  ];
}
