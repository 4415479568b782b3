import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The operation that a route serves: the name in logs and metrics. */
    operationId?: string;
  }
}

export interface Observed {
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly onAnswered?:
    | ((request: { operation: string; status: number; ms: number }) => void)
    | undefined;
}

const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * Measures and logs every request, by operation. Paths hold ids and tokens, so they are not logged.
 */
export function observe(app: FastifyInstance, { metrics, log, onAnswered }: Observed): void {
  const durations = metrics.histogram(
    "http_request_seconds",
    "Time from a request's first byte to its answer's last, by operation and status",
    ["operation", "status"],
    SECONDS,
  );
  let underWay = 0;
  metrics.observe(
    "http_requests_under_way",
    "Requests being answered, waiting long-polls included",
    () => underWay,
  );
  const left = () => void (underWay -= 1);
  app.addHook("onRequest", (_request, reply, done) => {
    underWay += 1;
    reply.raw.once("close", left);
    done();
  });
  /**
   * The histogram of each operation and status: looking it up by labels would cost more than
   * counting.
   */
  const kept = new Map<string, Map<number, { observe(seconds: number): void }>>();
  function durationsOf(operation: string, status: number) {
    let ofOperation = kept.get(operation);
    if (!ofOperation) kept.set(operation, (ofOperation = new Map()));
    let one = ofOperation.get(status);
    if (!one) ofOperation.set(status, (one = durations.labels({ operation, status })));
    return one;
  }
  app.addHook("onResponse", (request: FastifyRequest, reply: FastifyReply, done) => {
    const operation = request.routeOptions.config.operationId ?? "unknown";
    const status = reply.statusCode;
    durationsOf(operation, status).observe(reply.elapsedTime / 1000);
    onAnswered?.({ operation, status, ms: reply.elapsedTime });
    const level = status >= 500 ? "warn" : "debug";
    if (log.isLevelEnabled(level)) {
      const ms = Math.round(reply.elapsedTime);
      log[level]({ operation, method: request.method, status, ms, ip: request.ip }, "request");
    }
    done();
  });
}
