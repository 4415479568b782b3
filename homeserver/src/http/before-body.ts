import type { OperationId, OperationRow } from "@weft/spec/operations";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type Authenticator, type Requester, authenticateUser } from "./authenticate.ts";
import type { RateLimiter } from "./rate-limit.ts";
import { type Claim, claimedServer, type SignatureCheck } from "./server-signature.ts";

/** What the hooks found out about a request, for the handler. */
export interface Found {
  /** What the request says that its body is. */
  contentType?: string | undefined;
  requester?: Requester | undefined;
  claim?: Claim | undefined;
}

declare module "fastify" {
  interface FastifyRequest {
    found: Found | null;
  }
}

export interface Doorkeepers {
  readonly authenticator: Authenticator;
  readonly signatures: SignatureCheck;
  readonly rateLimiter: RateLimiter;
}

/**
 * An onRequest hook: what can be told without the body is told before any of it is read. Users show their token, servers
 * a header for us and by a key that holds, and nobody asks too often.
 */
export function beforeBody(operationId: OperationId, row: OperationRow, doors: Doorkeepers) {
  const isForUsers = row.auth === "access-token" || row.auth === "access-token?";
  const isForServers = row.auth === "server-signature";
  const optional = row.auth === "access-token?";

  /** Without a promise where the token is in memory and nothing limits the rate. */
  function check(request: FastifyRequest): Promise<void> | undefined {
    const { headers } = request.raw;
    const known: Found = { contentType: headers["content-type"] };
    request.found = known;
    // A JSON body is read as JSON whatever it claims to be, and bytes are taken however odd their type is.
    delete headers["content-type"];
    if (isForServers) return checkServer(request, known);
    if (!isForUsers) return limit(request, undefined);
    const requester = authenticateUser(request, doors.authenticator, optional);
    if (requester instanceof Promise) {
      return requester.then((found) => limit(request, (known.requester = found)));
    }
    return limit(request, (known.requester = requester));
  }

  async function checkServer(request: FastifyRequest, known: Found): Promise<void> {
    await limit(request, undefined);
    const beforeAsking = () => doors.rateLimiter.checkStranger(request.ip);
    known.claim = await claimedServer(request, doors.signatures, beforeAsking);
  }

  function limit(
    request: FastifyRequest,
    requester: Requester | undefined,
  ): Promise<void> | undefined {
    if (!row.rateLimited) return undefined;
    const user = requester?.userId;
    return doors.rateLimiter.check(operationId, { user, ip: request.ip });
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
