import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The operation that a route serves: the name in logs and metrics. */
    operationId?: string;
  }
}

const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Measures and logs every request, by operation. Paths hold ids and tokens, so they are not logged. */
export function observe(app: FastifyInstance, metrics: Metrics, log: Logger): void {
  const durations = metrics.histogram(
    "http_request_seconds",
    "Time from a request's first byte to its answer's last, by operation and status",
    ["operation", "status"],
    SECONDS,
  );
  const underWay = metrics.gauge(
    "http_requests_under_way",
    "Requests being answered, waiting long-polls included",
  );
  app.addHook("onRequest", async (_request, reply) => {
    underWay.inc();
    reply.raw.once("close", () => underWay.dec());
  });
  app.addHook("onResponse", async (request: FastifyRequest, reply: FastifyReply) => {
    const operation = request.routeOptions.config.operationId ?? "unknown";
    const status = reply.statusCode;
    durations.observe({ operation, status }, reply.elapsedTime / 1000);
    const level = status >= 500 ? "warn" : "debug";
    if (!log.isLevelEnabled(level)) return;
    const ms = Math.round(reply.elapsedTime);
    log[level]({ operation, method: request.method, status, ms, ip: request.ip }, "request");
  });
}
