import type { FastifyReply, FastifyRequest } from "fastify";

const signals = new WeakMap<FastifyRequest, AbortSignal>();

/** Aborts when the client has gone before its answer, or when the server drains. */
export function requestSignal(
  request: FastifyRequest,
  reply: FastifyReply,
  draining: AbortSignal,
): AbortSignal {
  const known = signals.get(request);
  if (known) return known;
  const controller = new AbortController();
  const abort = () => controller.abort(draining.reason);
  if (draining.aborted) abort();
  draining.addEventListener("abort", abort, { once: true });
  reply.raw.once("close", () => {
    draining.removeEventListener("abort", abort);
    if (!reply.raw.writableFinished) controller.abort(new Error("the client went away"));
  });
  signals.set(request, controller.signal);
  return controller.signal;
}
