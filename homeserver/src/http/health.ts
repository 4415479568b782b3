import type { IncomingMessage, RequestListener } from "node:http";
import ipaddr from "ipaddr.js";
import type { Metrics } from "../platform/metrics.ts";
import { errors } from "../protocol/errors.ts";
import { binary, json } from "./reply.ts";
import { type Route, route } from "./route.ts";

/** @returns undefined when requests can be served, otherwise the reason why not */
export type Health = () => Promise<string | undefined> | string | undefined;

/** GET /_weft/health and GET /_weft/metrics. Unless they are `metricsApart`, metrics are for this machine only. */
export function weftRoutes(options: {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly metricsApart?: boolean | undefined;
  readonly draining: AbortSignal;
}): Route[] {
  const { health, metrics, metricsApart, draining } = options;
  return [
    route("getHealth", async () => {
      const reason = draining.aborted ? "stopping" : await health();
      if (reason === undefined) return { status: "ok" };
      return json({ status: "unavailable", reason }, { status: 503 });
    }),
    route("getMetrics", async ({ request }) => {
      if (metricsApart === true || !isOfThisMachine(request.raw)) {
        throw errors.forbidden("The metrics are not served here; see metrics_listen");
      }
      return binary(await metrics.text(), { headers: { "content-type": metrics.contentType } });
    }),
  ];
}

/** The listener of the metrics: GET /_weft/metrics, and nothing else. */
export function metricsAlone(metrics: Metrics): RequestListener {
  return (request, response) => {
    request.resume();
    const [path] = (request.url ?? "").split("?");
    if (path !== "/_weft/metrics" || (request.method !== "GET" && request.method !== "HEAD")) {
      const body = JSON.stringify(errors.unrecognized());
      response.writeHead(404, { "content-type": "application/json" }).end(body);
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { "content-type": metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  };
}

const FORWARDED = ["x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via"];

/** By the socket alone, whatever proxies are trusted; what a proxy of this machine hands on is somebody else's. */
function isOfThisMachine({ socket, headers }: IncomingMessage): boolean {
  if (FORWARDED.some((name) => headers[name] !== undefined)) return false;
  if ("encrypted" in socket) return false; // the listener of other servers
  const { remoteAddress } = socket;
  if (remoteAddress === undefined || !ipaddr.isValid(remoteAddress)) return false;
  return ipaddr.process(remoteAddress).range() === "loopback";
}
