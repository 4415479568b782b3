import type { Auth, OperationRow } from "@weft/spec/operations";
import type { FastifyReply, FastifyRequest } from "fastify";
import { addressOf } from "./address.ts";
import {
  type Authenticator,
  type Requester,
  authenticateService,
  authenticateUser,
} from "./authenticate.ts";
import { checkAdministrator, checkRestriction, checkService } from "./guards.ts";
import type { RateLimiter } from "./rate-limit.ts";
import { type Claim, claimedServer, type SignatureCheck } from "./server-signature.ts";

/** What the hooks found out about a request, for its handler. */
export interface Found {
  /** The client's address, from a trusted proxy if there is one. */
  readonly ip: string;
  /** The content type that the request claims. */
  contentType?: string | undefined;
  requester?: Requester | undefined;
  claim?: Claim | undefined;
  /** Called when the request was answered without an error. */
  onSuccess?: (() => Promise<void>) | undefined;
}

declare module "fastify" {
  interface FastifyRequest {
    found: Found | null;
  }
}

export interface AccessChecks {
  readonly authenticator: Authenticator;
  readonly signatures: SignatureCheck;
  readonly rateLimiter: RateLimiter;
  /**
   * Resolves when this replica has read everything that the others had committed before; undefined:
   * it has. So a client finds what it did on one replica on every other.
   */
  readonly fresh?: (() => Promise<void> | undefined) | undefined;
}

const USERS: ReadonlySet<Auth> = new Set([
  ...(["access-token", "access-token?", "administrator"] as const),
  ...(["application-service", "application-service?"] as const),
]);

/**
 * An onRequest hook for everything that can be checked without the body: users show their token,
 * and are refused what their account is kept from or what is for others; servers send a header that is meant for us and
 * uses a valid key; and rates are limited.
 */
export function beforeBody({ auth, rateClass, closedTo }: OperationRow, checks: AccessChecks) {
  const { rateLimiter } = checks;
  const checkRole = { administrator: checkAdministrator, "application-service": checkService }[
    auth as string
  ];
  const isForUsers = USERS.has(auth);
  const isForServers = auth === "server-signature";
  const optional = auth === "access-token?";
  const isOpenToAll = auth === "application-service?";

  /** Without a promise when the token is cached and no rate is limited. */
  function check(request: FastifyRequest): Promise<void> | undefined {
    const { headers } = request.raw;
    const ip = addressOf(request);
    const known: Found = { ip, contentType: headers["content-type"] };
    request.found = known;
    // A JSON body is read as JSON whatever type it claims, and binary bodies are accepted with any
    // type.
    delete headers["content-type"];
    if (isForServers) return checkServer(request, known);
    if (!isForUsers) return limit(known, undefined);
    const requester = isOpenToAll
      ? authenticateService(request, ip, checks.authenticator)
      : authenticateUser(request, ip, checks.authenticator, optional);
    if (requester instanceof Promise) {
      return requester.then((found) => admit(known, found));
    }
    return admit(known, requester);
  }

  function admit(known: Found, requester: Requester | undefined): Promise<void> | undefined {
    known.requester = requester;
    checkRestriction(closedTo, requester);
    checkRole?.(requester);
    return limit(known, requester);
  }

  async function checkServer(request: FastifyRequest, known: Found): Promise<void> {
    await limit(known, undefined);
    const beforeAsking = () => rateLimiter.checkStranger(known.ip);
    known.claim = await claimedServer(request, checks.signatures, beforeAsking);
  }

  /** Neither administrators are limited, nor services whose registrations say so. */
  function limit(known: Found, requester: Requester | undefined): Promise<void> | undefined {
    if (rateClass === "none" || requester?.service?.isRateLimited === false) return undefined;
    if (requester?.isAdmin && !requester.service) return undefined;
    const asking = { user: requester?.userId, ip: known.ip, own: requester?.rate };
    if (rateLimiter.countsFailures(rateClass)) {
      known.onSuccess = () => rateLimiter.succeeded(rateClass, asking);
    }
    return rateLimiter.check(rateClass, asking);
  }

  return (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    let checked: Promise<void> | undefined;
    try {
      // First: what other replicas have done includes tokens that they ended.
      const catchingUp = checks.fresh?.();
      checked = catchingUp ? catchingUp.then(() => check(request)) : check(request);
    } catch (error) {
      return done(error as Error);
    }
    if (checked) checked.then(() => done(), done);
    else done();
  };
}
