import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";

/** @returns undefined when requests can be served, otherwise the reason why not */
export type Health = () => Promise<string | undefined> | string | undefined;

/** GET /_weft/health and GET /_weft/metrics. */
export function weftEndpoints(
  app: FastifyInstance,
  health: Health,
  registry: Registry,
  draining: AbortSignal,
): void {
  app.get("/_weft/health", { config: { operationId: "getHealth" } }, async (_request, reply) => {
    const reason = draining.aborted ? "stopping" : await health();
    void reply.header("cache-control", "no-store");
    if (reason === undefined) return { status: "ok" };
    return reply.code(503).send({ status: "unavailable", reason });
  });
  app.get("/_weft/metrics", { config: { operationId: "getMetrics" } }, async (_request, reply) =>
    reply
      .header("cache-control", "no-store")
      .type(registry.contentType)
      .send(await registry.metrics()),
  );
}
