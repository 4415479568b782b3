import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import { errors } from "../protocol/errors.ts";
import type { UserId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import * as tokens from "../storage/access-tokens.ts";
import type { Sql } from "../storage/sql.ts";
import { transaction } from "../storage/transaction.ts";
import type { Accounts } from "./accounts.ts";
import { namedUser } from "./identifier.ts";
import { hashSecret, newSecret } from "./secrets.ts";
import type { Sessions } from "./sessions.ts";
import type { IssuedSession, SessionRequest } from "./types.ts";

/** How long a one-time sign-in token lives, ms. */
export const LOGIN_TOKEN_LIFE_MS = 120_000;

/** Signing in. (Client-server API, "Login".) */
export interface Login {
  /** The flows of GET /login. */
  readonly flows: readonly JsonObject[];
  /**
   * Signs in by m.login.password or m.login.token.
   * @throws MatrixError M_FORBIDDEN 403, M_UNKNOWN 400 for an unknown type, M_MISSING_PARAM 400
   */
  withCredentials(credentials: JsonObject, request: SessionRequest): Promise<IssuedSession>;
  /** A token by which another client may sign in as the same user, once, within `expiresInMs`. */
  createToken(userId: UserId): Promise<{ token: string; expiresInMs: number }>;
}

export function createLogin(deps: {
  sql: Sql;
  clock: Clock;
  random: Random;
  accounts: Accounts;
  sessions: Sessions;
}): Login {
  const { sql, clock, random, accounts, sessions } = deps;

  async function byPassword(credentials: JsonObject): Promise<UserId> {
    const user = namedUser(credentials);
    const { password } = credentials;
    if (password === undefined) throw errors.missingParam("No password is given");
    if (typeof password !== "string") throw errors.invalidParam("The password must be a string");
    if (user === undefined) throw errors.forbidden("The user name or the password is wrong");
    return await accounts.checkPassword(user, password);
  }

  async function byToken(credentials: JsonObject): Promise<UserId> {
    const { token } = credentials;
    if (token === undefined) throw errors.missingParam("No token is given");
    if (typeof token !== "string") throw errors.invalidParam("The token must be a string");
    const taken = await transaction(sql, (tx) =>
      tokens.takeLoginToken(tx, hashSecret(token), clock.now()),
    );
    const userId = taken as UserId | undefined;
    if (userId === undefined || !(await accounts.exists(userId))) {
      throw errors.forbidden("The sign-in token is not valid");
    }
    return userId;
  }

  return {
    flows: [{ type: "m.login.password" }, { type: "m.login.token", get_login_token: true }],

    async withCredentials(credentials, request) {
      switch (credentials["type"]) {
        case "m.login.password":
          return await sessions.issue(await byPassword(credentials), request);
        case "m.login.token":
          return await sessions.issue(await byToken(credentials), request);
        default:
          throw errors.unknown("That way to sign in is not offered", 400);
      }
    },

    async createToken(userId) {
      const token = newSecret("login", random);
      const expiresTs = clock.now() + LOGIN_TOKEN_LIFE_MS;
      await tokens.insertLoginToken(sql, hashSecret(token), userId, expiresTs);
      return { token, expiresInMs: LOGIN_TOKEN_LIFE_MS };
    },
  };
}
