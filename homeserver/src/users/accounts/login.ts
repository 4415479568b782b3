import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { errors } from "../../protocol/errors.ts";
import { isUserId, type UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { keepNewest } from "../../storage/expiring-rows.ts";
import * as tokens from "../../storage/users/access-tokens.ts";
import type { Sql } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import { findDevice } from "../../storage/users/devices.ts";
import type { Accounts } from "./accounts.ts";
import type { Visitor } from "./attempts.ts";
import type { ServiceAccounts } from "./registration.ts";
import { namedUser } from "./identifier.ts";
import { holdOpenAccount } from "../common/open-account.ts";
import { hashSecret, newSecret } from "../common/secrets.ts";
import type { Proof, Sessions } from "../sessions/sessions.ts";
import type { IssuedSession, SessionRequest } from "../common/types.ts";

/** How long a one-time sign-in token lives, ms. */
const LOGIN_TOKEN_LIFE_MS = 120_000;
/** The same, where a browser takes it straight to an app. */
const BROWSER_TOKEN_LIFE_MS = 30_000;
/** Limit on valid tokens per user: older ones end. */
const MAX_LOGIN_TOKENS = 10;

/** Signing in. (Client-server API, "Login".) */
export interface Login {
  /** The flows of GET /login. */
  readonly flows: readonly JsonObject[];
  /**
   * Signs in by m.login.password or m.login.token.
   * @throws MatrixError M_LIMIT_EXCEEDED 429 after too many wrong passwords, M_FORBIDDEN 403,
   * M_UNKNOWN 400 for an unknown type, M_MISSING_PARAM 400
   */
  withCredentials(
    credentials: JsonObject,
    request: SessionRequest,
    visitor: Visitor,
  ): Promise<IssuedSession>;
  /**
   * Signs in a user of an application service, by m.login.application_service.
   * @throws MatrixError M_EXCLUSIVE 400 for another's user, M_FORBIDDEN 403, M_USER_DEACTIVATED 403,
   * M_MISSING_PARAM 400
   */
  forService(
    service: ServiceAccounts,
    credentials: JsonObject,
    request: SessionRequest,
  ): Promise<IssuedSession>;
  /** A token with which another client may sign in as the same user, once, within `expiresInMs`. */
  createToken(session: {
    userId: UserId;
    deviceId: string;
  }): Promise<{ token: string; expiresInMs: number }>;
  /**
   * The same for somebody who has just proven elsewhere who they are.
   * @throws MatrixError M_USER_LOCKED 401, M_USER_DEACTIVATED 403
   */
  createTokenFor(userId: UserId): Promise<string>;
}

export function createLogin(deps: {
  sql: Sql;
  clock: Clock;
  random: Random;
  accounts: Accounts;
  sessions: Sessions;
}): Login {
  const { sql, clock, random, accounts, sessions } = deps;

  async function byPassword(credentials: JsonObject, visitor: Visitor): Promise<Proof> {
    const user = namedUser(credentials);
    const { password } = credentials;
    if (password === undefined) throw errors.missingParam("No password is given");
    if (typeof password !== "string") throw errors.invalidParam("The password must be a string");
    if (user === undefined) throw errors.forbidden("The user name or the password is wrong");
    const { userId, passwordHash } = await accounts.checkPassword(user, password, visitor);
    // The password was right a moment ago; the session starts only if it still is.
    return async (tx) => {
      if ((await holdOpenAccount(tx, userId)) === passwordHash) return userId;
      throw errors.forbidden("The user name or the password is wrong");
    };
  }

  function byToken(credentials: JsonObject): Proof {
    const { token } = credentials;
    if (token === undefined) throw errors.missingParam("No token is given");
    if (typeof token !== "string") throw errors.invalidParam("The token must be a string");
    return async (tx) => {
      const [hash, now] = [hashSecret(token), clock.now()];
      const userId = await tokens.findLoginToken(tx, hash, now);
      // The account is locked before its tokens, as in a change of the password: different orders
      // would deadlock.
      const isOpen = userId !== undefined && (await holdOpenAccount(tx, userId)) !== undefined;
      if (isOpen && (await tokens.takeLoginToken(tx, hash, now))) return userId as UserId;
      throw errors.forbidden("The sign-in token is not valid");
    };
  }

  return {
    flows: [{ type: "m.login.password" }, { type: "m.login.token", get_login_token: true }],

    async withCredentials(credentials, request, visitor) {
      switch (credentials["type"]) {
        case "m.login.password":
          return await sessions.issue(await byPassword(credentials, visitor), request);
        case "m.login.token":
          return await sessions.issue(byToken(credentials), request);
        default:
          throw errors.unknown("That way to sign in is not offered", 400);
      }
    },

    async forService(service, credentials, request) {
      const named = namedUser(credentials);
      const name = typeof named === "string" ? named : "";
      const userId = name.startsWith("@") ? name : `@${name}:${accounts.serverName}`;
      if (!isUserId(userId) || !service.owns(userId)) {
        throw errors.exclusive("That user is not one of the application service's");
      }
      const account = await accounts.find(userId);
      if (account === undefined) throw errors.forbidden("There is no such user");
      if (account.deactivated) throw errors.userDeactivated();
      const isOpen: Proof = async (tx) => {
        if ((await holdOpenAccount(tx, userId)) !== undefined) return userId;
        throw errors.userDeactivated();
      };
      return await sessions.issue(isOpen, request);
    },

    async createToken({ userId, deviceId }) {
      const token = newSecret("login", random);
      const expiresTs = clock.now() + LOGIN_TOKEN_LIFE_MS;
      await transaction(sql, async (tx) => {
        // Not if the password was changed meanwhile, which ended the session.
        await holdOpenAccount(tx, userId);
        if (!(await findDevice(tx, userId, deviceId))) throw errors.unknownToken();
        await tokens.insertLoginToken(tx, hashSecret(token), userId, expiresTs);
        await keepNewest(tx, "login_tokens", userId, MAX_LOGIN_TOKENS);
      });
      return { token, expiresInMs: LOGIN_TOKEN_LIFE_MS };
    },

    async createTokenFor(userId) {
      const token = newSecret("login", random);
      const expiresTs = clock.now() + BROWSER_TOKEN_LIFE_MS;
      await transaction(sql, async (tx) => {
        if ((await holdOpenAccount(tx, userId)) === undefined) throw errors.userDeactivated();
        await tokens.insertLoginToken(tx, hashSecret(token), userId, expiresTs);
        await keepNewest(tx, "login_tokens", userId, MAX_LOGIN_TOKENS);
      });
      return token;
    },
  };
}
