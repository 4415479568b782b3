import { type Api, type OperationId, type OperationRow, operations } from "@weft/spec/operations";
import Fastify, { type FastifyInstance } from "fastify";
import type { Logger } from "../platform/logger.ts";
import type { Metrics } from "../platform/metrics.ts";
import { errors, type MatrixError } from "../protocol/errors.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { trustIn } from "./access/address.ts";
import { bindRoutes, type BindDependencies } from "./bind.ts";
import { createBodyReader } from "./body/body.ts";
import { createBodyCollector } from "./body/collect-body.ts";
import { CORS_HEADERS, answerOptions, isForBrowsers } from "./reply/cors.ts";
import { drainRest, keepOpenForAnswer } from "./body/drain.ts";
import { errorReply } from "./reply/errors.ts";
import { type Listeners, createListeners } from "./listeners.ts";
import { metricsAlone } from "./metrics-alone.ts";
import { observe } from "./observe.ts";
import { sendReply } from "./reply/reply.ts";
import type { Route } from "./route.ts";
import { createAsk, ExchangedRequest } from "./socket/exchange.ts";
import { createProofs } from "./socket/proofs.ts";
import { type SocketBounds, type Sockets, createSockets } from "./socket/sockets.ts";
import { serveWebClient, type WebClient } from "./reply/static.ts";

export interface HttpServerOptions extends Omit<
  BindDependencies,
  "draining" | "bodies" | "sockets"
> {
  /**
   * Called when a server's signed request was valid: it is reachable, so what waits for it can be
   * sent.
   */
  readonly onPeer?: ((server: ServerName) => void) | undefined;
  readonly routes: readonly Route[];
  /** Called for each request that was answered; `ms` is the time that it took. */
  readonly onAnswered?:
    | ((request: { operation: string; status: number; ms: number }) => void)
    | undefined;
  /** APIs that must be complete: each of their operations needs a handler. */
  readonly requireAllOf: readonly Api[];
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Listeners that are open already and have answered 503 until now. */
  readonly listeners?: Listeners | undefined;
  /** The built web client, served at `/`. */
  readonly webClient?: WebClient | undefined;
  /** Addresses and networks whose X-Forwarded-For is believed; none unless given. */
  readonly trustedProxies?: (() => readonly string[]) | undefined;
  /** Other bounds for sockets than the usual ones. */
  readonly socketBounds?: Partial<SocketBounds> | undefined;
}

export interface HttpServer extends Listeners {
  /** The framework's instance, for `inject()` in tests. */
  readonly app: FastifyInstance;
  /** Aborts when the server begins to stop: long-polls answer with what they have. */
  readonly draining: AbortSignal;
  /** Stops accepting, lets requests under way finish within `ms`, then cuts. */
  close(ms?: number): Promise<void>;
}

const DRAIN_MS = 6_000;

/**
 * Builds the server of all APIs. Unless listeners were given it listens nowhere yet: call
 * `listen…`.
 * @throws Error for an operation without a handler, or a handler bound twice or to no operation
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const stopping = new AbortController();
  const { routes } = options;
  checkComplete(routes, options.requireAllOf);
  const app = createFastify(options, stopping.signal);
  const reader = createBodyReader();
  const bodies = { reader, collector: createBodyCollector(), onPeer: options.onPeer };
  const sockets = openSockets(app, options, stopping.signal);
  bindRoutes(app, routes, { ...options, bodies, sockets, draining: stopping.signal });
  if (options.webClient) await serveWebClient(app, options.webClient);
  await app.ready();
  const listeners = options.listeners ?? createListeners(options.log);
  listeners.serve(app.routing, metricsAlone(options.metrics));
  return {
    ...listeners,
    app,
    draining: stopping.signal,
    async close(ms = DRAIN_MS) {
      stopping.abort(new Error("the server is stopping"));
      const cut = setTimeout(() => {
        listeners.cut();
        sockets.cut();
      }, ms);
      await listeners.stop();
      clearTimeout(cut);
      await app.close();
      await reader.close();
    },
  };
}

/** Sockets, whose requests go to the same handlers as all others. */
function openSockets(
  app: FastifyInstance,
  options: HttpServerOptions,
  draining: AbortSignal,
): Sockets {
  const { log, metrics, socketBounds: bounds } = options;
  return createSockets({
    ask: createAsk((request, response) => app.routing(request, response)),
    proofs: createProofs(options, log),
    ...{ log, metrics, draining, bounds },
  });
}

/** What is not for sockets: operations whose request or answer is no JSON, or that are not for clients. */
function refuseOverSocket(operationId: string | undefined): MatrixError | undefined {
  if (operationId === undefined) return undefined; // another method of a known path, which is refused
  const row = (operations as Readonly<Record<string, OperationRow>>)[operationId];
  if (row === undefined) return errors.unrecognized(); // the web client, which has any path
  const isJson = row.response === "json" && row.body !== "binary";
  if (isJson && row.api === "client-server") return undefined;
  return errors.unrecognized("That goes over HTTP only");
}

function createFastify(options: HttpServerOptions, draining: AbortSignal): FastifyInstance {
  const app = Fastify({
    logger: false,
    trustProxy: trustIn(options.trustedProxies ?? (() => [])),
    exposeHeadRoutes: true,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 32_768, ignoreTrailingSlash: true },
    frameworkErrors: (error, _request, reply) => {
      void reply.headers(CORS_HEADERS);
      sendReply(reply, errorReply(error, options.log));
    },
  });
  app.addHook("onRequest", answerOptions);
  // Before the body of a request to an unknown path is read.
  app.addHook("onRequest", (request, _reply, done) => {
    done(request.is404 ? errors.unrecognized() : undefined);
  });
  app.addHook("onRequest", (request, _reply, done) => {
    const isOverSocket = request.raw instanceof ExchangedRequest;
    done(isOverSocket ? refuseOverSocket(request.routeOptions.config.operationId) : undefined);
  });
  app.addHook("onSend", (request, reply, payload, done) => {
    if (isForBrowsers(request.raw.url ?? "")) void reply.headers(CORS_HEADERS);
    if (draining.aborted) void reply.header("connection", "close");
    void reply.header("x-content-type-options", "nosniff");
    // JSON is UTF-8: the framework's charset adds nothing, and some clients compare the whole type.
    // A file's type is set by its uploader.
    const isText = typeof payload === "string";
    if (isText && String(reply.getHeader("content-type")).startsWith("application/json;")) {
      void reply.header("content-type", "application/json");
    }
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    drainRest(request.raw);
    if (reply.statusCode < 400) {
      request.found?.onSuccess?.().catch((err: unknown) => {
        options.log.warn({ err }, "a success could not be told to the rate limits");
      });
    }
    done();
  });
  observe(app, options);
  app.setErrorHandler((error, request, reply) => {
    keepOpenForAnswer(request, reply);
    sendReply(reply, errorReply(error, options.log));
  });
  app.setNotFoundHandler((_request, reply) => {
    sendReply(reply, errorReply(errors.unrecognized(), options.log));
  });
  return app;
}

/** Throws, naming all that is wrong at once. */
function checkComplete(routes: readonly Route[], required: readonly Api[]): void {
  const bound = new Set<OperationId>();
  const problems: string[] = [];
  for (const { operationId } of routes) {
    if (!(operationId in operations))
      problems.push(`${operationId} is no operation of the specification`);
    if (bound.has(operationId)) problems.push(`${operationId} has two handlers`);
    bound.add(operationId);
  }
  for (const operationId of Object.keys(operations) as OperationId[]) {
    if (bound.has(operationId) || !required.includes(operations[operationId].api)) continue;
    problems.push(`${operationId} has no handler`);
  }
  if (problems.length > 0) throw new Error(`Routes: ${problems.join("; ")}`);
}
