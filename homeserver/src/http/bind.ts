import { type OperationId, type OperationRow, operations } from "@weft/spec/operations";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { errors } from "../protocol/errors.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { type Authenticator, type Requester, authenticateUser } from "./authenticate.ts";
import { bodyLimit, completeBody, parseBody } from "./body.ts";
import { requestSignal } from "./request-signal.ts";
import type { RateLimiter } from "./rate-limit.ts";
import { Reply, raw } from "./reply.ts";
import { isPlainText, sendPlain } from "./send-plain.ts";
import type { Context, Route } from "./route.ts";
import { type SignatureCheck, authenticateServer } from "./server-signature.ts";
import { type Part, createValidators } from "./validate.ts";

export interface BindDependencies {
  readonly authenticator: Authenticator;
  readonly signatures: SignatureCheck;
  readonly rateLimiter: RateLimiter;
  /** A server's signed request was good: it is there, so deliver what waits for it. */
  readonly onPeer?: ((server: ServerName) => void) | undefined;
  readonly draining: AbortSignal;
}

/** What the hooks found out about a request, for the handler. */
interface Found {
  requester?: Requester | undefined;
  origin?: ServerName;
}

declare module "fastify" {
  interface FastifyRequest {
    found: Found | null;
  }
}

const JSON_TYPE = "application/json";

/** Binds every route to its operation's method and paths, and 405 to the paths' other methods. */
export function bindRoutes(
  app: FastifyInstance,
  routes: readonly Route[],
  dependencies: BindDependencies,
): void {
  const validators = createValidators();
  app.decorateRequest("found", null);
  const methods = new Map<string, Set<string>>();
  for (const route of routes) {
    const row: OperationRow = operations[route.operationId];
    for (const path of pathsOf(row)) {
      const url = path.replaceAll(/\{(\w+)\}/g, ":$1");
      addToSet(methods, url.replaceAll(/:\w+/g, ":"), row.method);
      bind(app, route, row, url, dependencies, validators);
    }
  }
  for (const [shape, served] of methods) refuseOthers(app, shape, served);
}

/**
 * The operation's path and aliases, without slashes at the end (the router takes both). Clients of
 * the r0 series are told that they are welcome, so every v3 path has its r0 one.
 */
function pathsOf(row: OperationRow): Set<string> {
  const paths = [row.path, ...row.aliases].map((path) => path.replace(/\/$/, ""));
  const old = paths.map((path) => path.replace("/_matrix/client/v3/", "/_matrix/client/r0/"));
  return new Set([...paths, ...old]);
}

function addToSet(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

function refuseOthers(app: FastifyInstance, shape: string, served: ReadonlySet<string>): void {
  let count = 0;
  const url = shape.replaceAll(":", () => `:p${count++}`);
  const others = app.supportedMethods.filter(
    (method) =>
      !served.has(method) && method !== "OPTIONS" && !(method === "HEAD" && served.has("GET")),
  );
  app.route({
    method: others,
    url,
    exposeHeadRoute: false,
    // Bodies of refused requests are not read.
    onRequest: async () => {
      throw errors.methodNotAllowed();
    },
    handler: async () => undefined,
  });
}

function bind(
  app: FastifyInstance,
  route: Route,
  row: OperationRow,
  url: string,
  dependencies: BindDependencies,
  validators: ReturnType<typeof createValidators>,
): void {
  const { operationId } = route;
  const check = (part: Part) => {
    const validate = validators(operationId, part);
    return (value: unknown) => {
      const error = validate(value);
      return error ? { error } : { value };
    };
  };
  // Fastify asks for a compiled validator per part; what it hands in as "schema" is our part's name.
  const schema: Record<string, unknown> = {
    params: { part: "params" },
    querystring: { part: "query" },
  };
  if (row.body === "json") schema["body"] = { part: "body" };
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    if (row.body === "binary") {
      scope.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    } else {
      scope.addContentTypeParser(
        "*",
        { parseAs: "buffer" },
        async (_request: unknown, bytes: Buffer) => parseBody(operationId, row, bytes),
      );
    }
    scope.route({
      method: row.method,
      url,
      schema,
      bodyLimit: bodyLimit(operationId, row),
      config: { operationId },
      validatorCompiler: ({ schema: part }) => check((part as { part: Part }).part),
      onRequest: beforeBody(operationId, row, dependencies),
      preValidation: afterBody(row, dependencies),
      handler(request, reply) {
        void handle(route, request, reply, dependencies.draining);
      },
    });
  });
}

function beforeBody(operationId: OperationId, row: OperationRow, dependencies: BindDependencies) {
  const isForUsers = row.auth === "access-token" || row.auth === "access-token?";
  const optional = row.auth === "access-token?";

  /** Without a promise where the token is in memory and nothing limits the rate. */
  function check(request: FastifyRequest): Promise<void> | undefined {
    // Whatever a JSON body claims to be, it is read as JSON.
    const { headers } = request.raw;
    if (row.body !== "binary" && (headers["content-type"] ?? JSON_TYPE) !== JSON_TYPE) {
      delete headers["content-type"];
    }
    const known: Found = {};
    request.found = known;
    if (!isForUsers) return limit(request, undefined);
    const requester = authenticateUser(request, dependencies.authenticator, optional);
    if (requester instanceof Promise) {
      return requester.then((found) => limit(request, (known.requester = found)));
    }
    return limit(request, (known.requester = requester));
  }

  function limit(
    request: FastifyRequest,
    requester: Requester | undefined,
  ): Promise<void> | undefined {
    if (!row.rateLimited) return undefined;
    const user = requester?.userId;
    return dependencies.rateLimiter.check(operationId, { user, ip: request.ip });
  }

  return (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    let checked: Promise<void> | undefined;
    try {
      checked = check(request);
    } catch (error) {
      return done(error as Error);
    }
    if (checked) checked.then(() => done(), done);
    else done();
  };
}

function afterBody(row: OperationRow, dependencies: BindDependencies) {
  const names = [...row.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  function complete(request: FastifyRequest): void {
    completeBody(row, request);
    const params = request.params as Record<string, string>;
    for (const name of names) params[name] ??= "";
  }
  if (row.auth === "server-signature") {
    return async (request: FastifyRequest): Promise<void> => {
      const origin = await authenticateServer(request, dependencies.signatures);
      request.found!.origin = origin;
      dependencies.onPeer?.(origin);
      complete(request);
    };
  }
  return (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    try {
      complete(request);
    } catch (error) {
      return done(error as Error);
    }
    done();
  };
}

/** Never rejects. (A promise of the reply would have Fastify watch for the response's end, at some cost.) */
async function handle(
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  draining: AbortSignal,
): Promise<void> {
  try {
    const context = new RequestContext(route.operationId, request, reply, draining);
    const handled = route.handle(context as unknown as Context<never>);
    const answer = handled instanceof Promise ? await handled : handled;
    const made = answer instanceof Reply ? answer : raw(JSON.stringify(answer ?? {}));
    if (isPlainText(made) && request.method !== "HEAD") {
      return sendPlain(request, reply, made, draining);
    }
    const { status, headers, payload } = made;
    if (!("cache-control" in headers)) void reply.header("cache-control", "no-store");
    void reply.code(status).headers(headers).send(payload);
  } catch (error) {
    void reply.send(error);
  }
}

/** A class, since the signal is made when somebody asks for it. */
class RequestContext {
  readonly operationId: OperationId;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly requester: Requester | undefined;
  readonly origin: ServerName | undefined;
  readonly request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #draining: AbortSignal;

  constructor(
    operationId: OperationId,
    request: FastifyRequest,
    reply: FastifyReply,
    draining: AbortSignal,
  ) {
    const known = request.found!;
    this.operationId = operationId;
    this.params = request.params;
    this.query = request.query;
    this.body = request.body;
    this.requester = known.requester;
    this.origin = known.origin;
    this.request = request;
    this.#reply = reply;
    this.#draining = draining;
  }

  get ip(): string {
    return this.request.ip;
  }

  get signal(): AbortSignal {
    return requestSignal(this.request, this.#reply, this.#draining);
  }
}
