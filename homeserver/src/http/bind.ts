import { type OperationId, type OperationRow, operations } from "@weft/spec/operations";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "../platform/logger.ts";
import { errors } from "../protocol/errors.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import type { Requester } from "./access/authenticate.ts";
import { compressReply } from "./reply/compress.ts";
import { audited, type AuditTrail } from "./audited.ts";
import { beforeBody, type AccessChecks } from "./access/before-body.ts";
import { type AclAllows, checkGuards, withinAcl } from "./access/guards.ts";
import { requestSignal } from "./request-signal.ts";
import { asMatrixError, matrixErrorReply } from "./reply/errors.ts";
import { OPEN_SOCKET, Reply, raw, sendReply } from "./reply/reply.ts";
import { isPlainText, sendPlain } from "./reply/send-plain.ts";
import type { Context, Route } from "./route.ts";
import { ExchangedRequest } from "./socket/exchange.ts";
import type { Sockets } from "./socket/sockets.ts";
import { keepOpenForAnswer } from "./body/drain.ts";
import { type BodyTools, takeBody } from "./body/take-body.ts";
import { type Part, createValidators } from "./validate.ts";

export interface BindDependencies extends AccessChecks {
  readonly log: Logger;
  readonly bodies: BodyTools;
  readonly aclAllows: AclAllows;
  /** Where it is noted what administrators do. */
  readonly audit: AuditTrail;
  readonly draining: AbortSignal;
  readonly sockets: Pick<Sockets, "accept">;
}

/**
 * Binds every route to its operation's method and paths, and 405 to the paths' other methods. What
 * the contract says of who may call an operation and what it may cost is enforced here, for all of
 * them in this order:
 * 1. before the body: a user's token, what the account is kept from, whether the user is an
 *    administrator or the request an application service's where that is asked for, and then the
 *    rate; the rate and then a server's header and key (before-body.ts)
 * 2. the body: its length, how it is read, and the server's signature of it (take-body.ts)
 * 3. whether the room's access list keeps the server out (guards.ts)
 * 4. whether parameters and body have the operation's shape (validate.ts)
 * 5. what an administrator is about to change is noted (audited.ts)
 * @throws Error for an operation that does not say all of that
 */
export function bindRoutes(
  app: FastifyInstance,
  routes: readonly Route[],
  dependencies: BindDependencies,
  table: Readonly<Record<string, OperationRow>> = operations,
): void {
  checkGuards(routes.map(({ operationId }) => [operationId, table[operationId]!]));
  const validators = createValidators();
  app.decorateRequest("found", null);
  const methods = new Map<string, Set<string>>();
  for (const bare of routes) {
    const row = table[bare.operationId]!;
    const route = audited(bare, row, dependencies);
    for (const path of pathsOf(row)) {
      const url = path.replaceAll(/\{(\w+)\}/g, ":$1");
      addToSet(methods, url.replaceAll(/:\w+/g, ":"), row.method);
      bind(app, route, row, url, dependencies, validators);
    }
  }
  for (const [shape, served] of methods) refuseOthers(app, shape, served);
}

/**
 * The operation's path and aliases, without trailing slashes (the router accepts both). Every v3
 * path has its r0 alias, which older clients use.
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
  // Fastify asks for a compiled validator per part; what it hands in as "schema" is our part's
  // name.
  const schema: Record<string, unknown> = {
    params: { part: "params" },
    querystring: { part: "query" },
  };
  if (row.body === "json" || row.body === "form") schema["body"] = { part: "body" };
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // Every body is a stream at first: it is read once the request has passed the checks before it.
    scope.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    const { refuse } = route;
    if (refuse) {
      scope.setErrorHandler((error, request, reply) => {
        keepOpenForAnswer(request, reply);
        const known = asMatrixError(error, dependencies.log);
        // Over a socket all is JSON, also the answer that there are no pages.
        const isPage = !(request.raw instanceof ExchangedRequest);
        sendReply(reply, isPage ? refuse(known, request) : matrixErrorReply(known));
      });
    }
    scope.route({
      method: row.method,
      url,
      schema,
      bodyLimit: Number.MAX_SAFE_INTEGER, // counted by whoever reads it
      config: { operationId },
      validatorCompiler: ({ schema: part }) => check((part as { part: Part }).part),
      onRequest: beforeBody(row, dependencies),
      preValidation: [
        takeBody(row, dependencies.bodies),
        ...withinAcl(row, dependencies.aclAllows),
      ],
      handler(request, reply) {
        void handle(route, request, reply, dependencies);
      },
    });
  });
}

/**
 * Never rejects. (A promise of the reply would have Fastify watch for the response's end, at some
 * cost.)
 */
async function handle(
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  { draining, sockets }: BindDependencies,
): Promise<void> {
  try {
    const context = new RequestContext(route.operationId, request, reply, draining);
    const handled = route.handle(context as unknown as Context<never>);
    const answer = handled instanceof Promise ? await handled : handled;
    if (answer === OPEN_SOCKET) {
      sockets.accept(request.raw, context.ip);
      return void reply.hijack();
    }
    const made = answer instanceof Reply ? answer : raw(JSON.stringify(answer ?? {}));
    if (isPlainText(made) && request.method !== "HEAD") {
      return sendPlain(request, reply, made, draining);
    }
    const accept = request.raw.headers["accept-encoding"];
    const { status, headers, payload } = compressReply(made, accept, request.method === "HEAD");
    if (!("cache-control" in headers)) void reply.header("cache-control", "no-store");
    void reply.code(status).headers(headers).send(payload);
  } catch (error) {
    void reply.send(error);
  }
}

/** A class, so that the signal is created only when somebody asks for it. */
class RequestContext {
  readonly operationId: OperationId;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly requester: Requester | undefined;
  readonly origin: ServerName | undefined;
  readonly contentType: string | undefined;
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
    this.origin = known.claim?.origin;
    this.contentType = known.contentType;
    this.request = request;
    this.#reply = reply;
    this.#draining = draining;
  }

  get ip(): string {
    return this.request.found!.ip;
  }

  get signal(): AbortSignal {
    return requestSignal(this.request, this.#reply, this.#draining);
  }
}
