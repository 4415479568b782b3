import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import { errors, MatrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../../protocol/json.ts";
import { keepNewest } from "../../storage/expiring-rows.ts";
import { takeCrossSigningReset } from "../../storage/oauth/cross-signing-resets.ts";
import { seal, unseal } from "../../storage/seal.ts";
import type { Sql } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import * as storage from "../../storage/users/uia-sessions.ts";
import type { Accounts } from "./accounts.ts";
import { namedUser } from "./identifier.ts";
import type { RegistrationTokens } from "./registration-tokens.ts";
import type { Captcha } from "../common/captcha.ts";
import { type Policy, versionsOf } from "../common/terms.ts";
import { hashSecret, newSecret } from "../common/secrets.ts";
import type { Addresses } from "../contacts/addresses.ts";
import type { Confirmations } from "../contacts/confirmations.ts";
import { UiaChallenge } from "./uia-challenge.ts";
import {
  authOf,
  digest,
  impliedStage,
  isComplete,
  isOffered,
  type PageStage,
  type Stage,
  type UiaFacts,
  type UiaRequest,
} from "./uia-request.ts";

/** User-interactive authentication, with sessions that any replica can continue. */
export interface UserInteractiveAuth {
  /**
   * Returns once a flow is complete; the session ends with that.
   * @throws UiaChallenge 401 while stages are missing
   * @throws MatrixError M_FORBIDDEN 403 when the request differs from the one that was authorised,
   * or somebody else's password is given
   */
  authorise(request: UiaRequest): Promise<UiaFacts>;
  /**
   * Authorises and runs `work` once per session: a client that lost the answer and repeats its
   * request exactly gets the same answer, until the session expires.
   */
  once(request: UiaRequest, work: () => Promise<JsonObject>): Promise<JsonObject>;
  /** What a session authorises, and whom; undefined: it is over, or was never begun. */
  find(session: string): Promise<WaitingSession | undefined>;
  /**
   * Notes that a stage was passed on a page; the client goes on with the session.
   * @throws MatrixError M_FORBIDDEN 403 where the session is over
   */
  pass(session: string, stage: PageStage, facts: UiaFacts): Promise<void>;
}

/** A session that waits for a stage. */
interface WaitingSession {
  readonly operation: string;
  /** Undefined: nobody is signed in. */
  readonly userId: UserId | undefined;
}

/** From the first request to the last, ms: longer where a mail has to arrive. */
const SESSION_LIFE_MS = 15 * 60_000;
const WITH_MAIL_MS = 60 * 60_000;
/** Limits on sessions, of one user and of all who are not signed in: older ones end. */
const MAX_SESSIONS = 50;
const MAX_STRANGERS = 20_000;

/** Failures that trying again within the session does not help. */
const THROWN: ReadonlySet<string> = new Set([
  ...["M_LIMIT_EXCEEDED", "M_USER_LOCKED", "M_CONNECTION_FAILED"],
]);

interface Progress {
  readonly session: string;
  readonly stored: boolean;
  readonly completed: readonly Stage[];
  readonly facts: UiaFacts;
}

export function createUserInteractiveAuth(deps: {
  sql: Sql;
  clock: Clock;
  random: Random;
  accounts: Accounts;
  registrationTokens: RegistrationTokens;
  /** What new users agree to. */
  policies: readonly Policy[];
  captcha: Captcha | undefined;
  confirmations: Confirmations;
  addresses: Pick<Addresses, "ownerOf">;
}): UserInteractiveAuth {
  const { sql, clock, random, accounts, registrationTokens } = deps;
  const underWay = createSingleFlight<string, JsonObject>();

  /** The session that the client names, if it is about this operation; otherwise a fresh one. */
  async function open(request: UiaRequest, session: unknown): Promise<Progress> {
    const found =
      typeof session === "string"
        ? await storage.findUiaSession(sql, hashSecret(session), clock.now())
        : undefined;
    if (typeof session !== "string" || found === undefined) {
      return { session: newSecret("session", random), stored: false, completed: [], facts: {} };
    }
    const same = timingSafeEqual(found.requestDigest, digest(request, session));
    if (
      found.operation !== request.operation ||
      found.userId !== (request.userId ?? null) ||
      (found.completed.length > 0 && !same) ||
      found.answer !== null
    ) {
      throw errors.forbidden("This authentication session was begun for another request");
    }
    const facts = JSON.parse(found.facts) as UiaFacts;
    return { session, stored: true, completed: found.completed as Stage[], facts };
  }

  async function save(request: UiaRequest, progress: Progress): Promise<Progress> {
    if (progress.stored) return await saveAgain(request, progress);
    const hash = hashSecret(progress.session);
    const { completed, facts } = progress;
    const requestDigest = digest(request, progress.session);
    await transaction(sql, async (tx) => {
      const now = clock.now();
      const { operation, userId = null } = request;
      const takesMail = isOffered("m.login.email.identity", request.flows);
      const lifeMs = takesMail ? WITH_MAIL_MS : SESSION_LIFE_MS;
      const begun = { operation, userId, requestDigest };
      await storage.insertUiaSession(tx, hash, begun, now, now + lifeMs);
      await keepNewest(tx, "uia_sessions", userId, userId === null ? MAX_STRANGERS : MAX_SESSIONS);
      await storage.updateUiaSession(tx, hash, {
        ...{ requestDigest, completed: [...completed], facts: JSON.stringify(facts) },
      });
    });
    return progress;
  }

  /** What was passed meanwhile, on a page or by another request, stays passed. */
  async function saveAgain(request: UiaRequest, progress: Progress): Promise<Progress> {
    const hash = hashSecret(progress.session);
    const requestDigest = digest(request, progress.session);
    return await transaction(sql, async (tx) => {
      const found = await storage.lockUiaSession(tx, hash, clock.now());
      const isSame = found && timingSafeEqual(found.requestDigest, requestDigest);
      if (!found || found.answer !== null || (found.completed.length > 0 && !isSame)) {
        throw errors.forbidden("This authentication session is over: begin again");
      }
      const completed = [...new Set([...(found.completed as Stage[]), ...progress.completed])];
      const facts = { ...(JSON.parse(found.facts) as UiaFacts), ...progress.facts };
      await storage.updateUiaSession(tx, hash, {
        ...{ requestDigest, completed, facts: JSON.stringify(facts) },
      });
      return { ...progress, completed, facts };
    });
  }

  /** Tries one stage. @throws MatrixError when it fails */
  async function attempt(stage: Stage, auth: JsonObject, request: UiaRequest): Promise<UiaFacts> {
    switch (stage) {
      case "m.login.dummy":
        return {};
      case "m.login.password":
        return { userId: await provePassword(auth, request) };
      case "m.login.registration_token": {
        const { token } = auth;
        if (typeof token !== "string") throw errors.missingParam("No registration token is given");
        if (await registrationTokens.isValid(token)) return { registrationToken: token };
        throw errors.unauthorized("The registration token is not valid");
      }
      case "m.login.email.identity":
        return await proveEmail(auth, request);
      case "m.login.terms":
        return { agreed: versionsOf(deps.policies) };
      case "m.login.recaptcha":
        await deps.captcha!.verify(auth["response"], request.visitor.ip);
        return { isHuman: true };
      case "m.login.sso":
        throw errors.unauthorized("This has not been confirmed on the page of the stage");
      case "m.oauth":
      case "org.matrix.cross_signing_reset": {
        const { userId } = request;
        if (userId && (await takeCrossSigningReset(sql, userId, clock.now()))) return { userId };
        throw errors.unauthorized("This has not been confirmed on the page of the account");
      }
    }
  }

  async function provePassword(auth: JsonObject, request: UiaRequest): Promise<UserId> {
    const { userId: expected, visitor } = request;
    const { password } = auth;
    if (typeof password !== "string") throw errors.missingParam("No password is given");
    const isNamed = auth["identifier"] !== undefined || auth["user"] !== undefined;
    const user = isNamed || expected === undefined ? namedUser(auth) : expected;
    if (user === undefined) throw errors.forbidden("The user name or the password is wrong");
    if (expected !== undefined && !(await accounts.isNamed(expected, user))) throw new OtherUser();
    const { userId } = await accounts.checkPassword(user, password, visitor);
    if (expected !== undefined && userId !== expected) throw new OtherUser();
    return userId;
  }

  /** The address that the client has had confirmed. It is used up by the operation itself. */
  async function proveEmail(auth: JsonObject, { purpose }: UiaRequest): Promise<UiaFacts> {
    const creds = auth["threepid_creds"] ?? auth["threepidCreds"];
    if (!isJsonObject(creds)) throw errors.missingParam("threepid_creds is missing");
    const { sid, client_secret: clientSecret } = creds;
    if (typeof sid !== "string" || typeof clientSecret !== "string") {
      throw errors.missingParam("threepid_creds needs a sid and a client_secret");
    }
    const email = purpose && (await deps.confirmations.confirmed(purpose, { sid, clientSecret }));
    if (email === undefined) throw errors.unauthorized("The address is not confirmed yet");
    if (purpose === "register") return { email };
    const userId = await deps.addresses.ownerOf(email.address);
    if (userId === undefined) throw errors.unauthorized("No account has the address any more");
    return { email, userId };
  }

  /**
   * The earlier answer of the session's operation; undefined when it was not executed, or differed.
   */
  async function answered(request: UiaRequest, session: string): Promise<JsonObject | undefined> {
    const found = await storage.findUiaSession(sql, hashSecret(session), clock.now());
    if (!found?.answer || found.operation !== request.operation) return undefined;
    if (!timingSafeEqual(found.requestDigest, digest(request, session))) return undefined;
    return JSON.parse(unseal(found.answer, session)) as JsonObject;
  }

  async function keep(request: UiaRequest, session: string, answer: JsonObject): Promise<void> {
    const { operation } = request;
    const sealed = seal(JSON.stringify(answer), session, random);
    const row = { operation, requestDigest: digest(request, session), answer: sealed };
    await storage.insertUiaAnswer(sql, hashSecret(session), row, clock.now() + SESSION_LIFE_MS);
  }

  return {
    async once(request, work) {
      const session = authOf(request.body)?.["session"];
      if (typeof session !== "string") return await work();
      const key = digest(request, session).toString("base64");
      return await underWay.run(key, async () => {
        const before = await answered(request, session);
        if (before !== undefined) return before;
        const answer = await work();
        await keep(request, session, answer);
        return answer;
      });
    },

    async find(session) {
      const found = await storage.findUiaSession(sql, hashSecret(session), clock.now());
      if (found === undefined || found.answer !== null) return undefined;
      return {
        operation: found.operation,
        userId: (found.userId ?? undefined) as UserId | undefined,
      };
    },

    async pass(session, stage, facts) {
      const hash = hashSecret(session);
      await transaction(sql, async (tx) => {
        const found = await storage.lockUiaSession(tx, hash, clock.now());
        if (found === undefined || found.answer !== null) {
          throw errors.forbidden("This authentication session is over: begin again in the app");
        }
        const completed = [...new Set([...found.completed, stage])];
        const all = { ...(JSON.parse(found.facts) as UiaFacts), ...facts };
        const { requestDigest } = found;
        await storage.updateUiaSession(tx, hash, {
          ...{ requestDigest, completed, facts: JSON.stringify(all) },
        });
      });
    },

    async authorise(request) {
      const auth = authOf(request.body);
      let progress = await open(request, auth?.["session"]);
      let failure: MatrixError | undefined;
      const stage = auth === undefined ? undefined : (auth["type"] ?? impliedStage(request));
      if (stage !== undefined && !progress.completed.includes(stage as Stage)) {
        try {
          if (!isOffered(stage, request.flows)) {
            throw errors.unknown("That stage is not part of any flow", 400);
          }
          const facts = { ...progress.facts, ...(await attempt(stage, auth!, request)) };
          progress = { ...progress, completed: [...progress.completed, stage], facts };
        } catch (error) {
          if (!(error instanceof MatrixError) || error instanceof OtherUser) throw error;
          if (THROWN.has(error.errcode)) throw error;
          failure = error;
        }
      }
      if (failure === undefined && isComplete(progress.completed, request.flows)) {
        const ended =
          !progress.stored || (await storage.deleteUiaSession(sql, hashSecret(progress.session)));
        if (ended) return progress.facts;
        throw errors.forbidden("This authentication session has been used");
      }
      const { completed, session } = await save(request, progress);
      throw new UiaChallenge({
        flows: request.flows,
        completed,
        session,
        params: request.params,
        ...(failure && { failure }),
      });
    },
  };
}

/** A signed-in user cannot prove anything with another user's password. */
class OtherUser extends MatrixError {
  constructor() {
    super(403, "M_FORBIDDEN", "That is another user than the one that is signed in");
  }
}
