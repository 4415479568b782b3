import type { KeyObject } from "node:crypto";
import { errors as joseErrors, type JWTPayload, jwtVerify } from "jose";
import type { Clock } from "../../platform/clock.ts";
import { errors, MatrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { Json } from "../../protocol/json.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { Registration } from "../accounts/registration.ts";
import { holdOpenAccount } from "../common/open-account.ts";
import type { IssuedSession, SessionRequest } from "../common/types.ts";
import type { Sessions } from "../sessions/sessions.ts";

/** Tokens that another service of the same owner signs, by which its people sign in. */
export interface JwtSettings {
  /** The secret of the two, or the service's public key. */
  readonly key: KeyObject;
  readonly algorithms: readonly string[];
  /** Who has to have signed it; undefined: whoever knows the key. */
  readonly issuer: string | undefined;
  /** One of which it has to be meant for; undefined: whomever. */
  readonly audiences: readonly string[] | undefined;
  /** The claim that holds the local part. */
  readonly localpartClaim: string;
  /** Whether people get an account who have none. */
  readonly opensAccounts: boolean;
  /** Whether a token has to say until when it is good. */
  readonly requiresExpiry: boolean;
}

/** Signing in by org.matrix.login.jwt. */
export interface JwtLogin {
  /**
   * @throws MatrixError M_MISSING_PARAM 400 without a token; M_FORBIDDEN 403 for one that is not
   * valid, or without an account; M_USER_DEACTIVATED 403, M_USER_LOCKED 401; M_INVALID_USERNAME,
   * M_EXCLUSIVE (both 400)
   */
  signIn(token: Json | undefined, request: SessionRequest): Promise<IssuedSession>;
}

const MAX_LETTERS = 16_384;
/** s by which the other's clock may be wrong. */
const TOLERANCE_S = 30;

export function createJwtLogin(deps: {
  readonly settings: JwtSettings;
  readonly clock: Clock;
  readonly accounts: Accounts;
  readonly registration: Registration;
  readonly sessions: Sessions;
}): JwtLogin {
  const { settings, clock, accounts, registration, sessions } = deps;

  async function claimsOf(token: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, settings.key, {
        algorithms: [...settings.algorithms],
        clockTolerance: TOLERANCE_S,
        currentDate: new Date(clock.now()),
        ...(settings.issuer !== undefined && { issuer: settings.issuer }),
        ...(settings.audiences !== undefined && { audience: [...settings.audiences] }),
        ...(settings.requiresExpiry && { requiredClaims: ["exp"] }),
      });
      return payload;
    } catch (error) {
      if (!(error instanceof joseErrors.JOSEError)) throw error;
      const isOld = error instanceof joseErrors.JWTExpired;
      throw errors.forbidden(isOld ? "The token has expired" : "The token is not valid");
    }
  }

  async function open(userId: UserId, localpart: string): Promise<void> {
    if (!settings.opensAccounts) throw errors.forbidden("You have no account on this server");
    try {
      await registration.withoutPassword(localpart, {}, async () => undefined);
    } catch (error) {
      // Another replica was faster.
      const isThere = error instanceof MatrixError && error.errcode === "M_USER_IN_USE";
      if (!isThere || !(await accounts.exists(userId))) throw error;
    }
  }

  return {
    async signIn(token, request) {
      if (token === undefined) throw errors.missingParam("No token is given");
      if (typeof token !== "string") throw errors.invalidParam("The token must be a string");
      if (token.length > MAX_LETTERS) throw errors.forbidden("The token is too long");
      const localpart = (await claimsOf(token))[settings.localpartClaim];
      if (typeof localpart !== "string" || localpart === "") {
        throw errors.forbidden("The token does not say whose it is");
      }
      const userId = accounts.nameFor(localpart);
      if ((await accounts.find(userId)) === undefined) await open(userId, localpart);
      return await sessions.issue(async (tx) => {
        if ((await holdOpenAccount(tx, userId)) !== undefined) return userId;
        throw errors.userDeactivated();
      }, request);
    },
  };
}
