import { hash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import { MatrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import * as codes from "../../storage/oauth/codes.ts";
import { deviceOfGrant, findOAuthSession } from "../../storage/oauth/sessions.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { findTokenOwner } from "../../storage/users/access-tokens.ts";
import { holdOpenAccount } from "../common/open-account.ts";
import { hashSecret } from "../common/secrets.ts";
import type { IssuedSession } from "../common/types.ts";
import type { Devices } from "../sessions/devices.ts";
import type { Proof, Sessions } from "../sessions/sessions.ts";
import type { OAuthClients } from "./clients.ts";
import type { DeviceGrants } from "./device-grants.ts";
import { OAuthError } from "./oauth-error.ts";

/** Tokens, and what they may be used for. */
export interface Granted {
  readonly session: IssuedSession;
  readonly scope: string;
}

/** What a client asks with. Absent: it was not given. */
interface CodeExchange {
  readonly clientId: string | undefined;
  readonly code: string | undefined;
  readonly redirectUri: string | undefined;
  readonly verifier: string | undefined;
}

/** Tokens for grants. They are the tokens that every other sign-in gives. */
export interface Grants {
  /**
   * For the code of an authorisation. One that comes a second time ends the session that came of
   * it.
   * @throws OAuthError invalid_request, invalid_grant; MatrixError M_USER_LOCKED 401
   */
  byCode(exchange: CodeExchange): Promise<Granted>;
  /** @throws OAuthError invalid_request, invalid_grant; MatrixError M_USER_LOCKED 401 */
  byRefreshToken(clientId: string | undefined, refreshToken: string | undefined): Promise<Granted>;
  /**
   * For the code of a device. (RFC 8628, section 3.4.)
   * @throws OAuthError invalid_request, invalid_grant, authorization_pending, slow_down,
   *   access_denied, expired_token; MatrixError M_USER_LOCKED 401
   */
  byDeviceCode(clientId: string | undefined, deviceCode: string | undefined): Promise<Granted>;
  /**
   * Signs out the device that an access or refresh token belongs to. An unknown one is no error.
   * (RFC 7009.)
   * @throws OAuthError invalid_request
   */
  revoke(token: string | undefined): Promise<void>;
}

export interface GrantsDeps {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sessions: Sessions;
  readonly devices: Devices;
  readonly clients: OAuthClients;
  readonly deviceGrants: DeviceGrants;
}

export function createGrants(deps: GrantsDeps): Grants {
  const { sql, clock, logger, sessions, devices, clients, deviceGrants } = deps;

  /** Signs the device of a grant in. `take` uses the grant up within the transaction. */
  async function signIn(
    grant: { clientId: string; userId: string; deviceId: string; scope: string; codeHash: Buffer },
    take: (tx: Tx) => Promise<boolean>,
  ): Promise<Granted> {
    const { clientId, scope, codeHash: grantHash } = grant;
    const userId = grant.userId as UserId;
    const proof: Proof = async (tx) => {
      // The account first, as wherever a sign-in is proven: different orders would deadlock.
      const isOpen = (await holdOpenAccount(tx, userId)) !== undefined;
      if (isOpen && (await take(tx))) return userId;
      throw new OAuthError("invalid_grant", "The code has been used, or its account was closed");
    };
    const { metadata } = await clients.get(clientId).catch(() => ({ metadata: undefined }));
    const session = await asGrantError(() =>
      sessions.issue(proof, {
        deviceId: grant.deviceId,
        initialDeviceDisplayName: metadata?.client_name,
        refreshToken: true,
        oauth: { clientId, scope, grantHash },
      }),
    );
    return { session, scope };
  }

  /** A code came a second time: somebody else has it, so what came of it ends. */
  async function endGrant(codeHash: Buffer): Promise<void> {
    const owner = await deviceOfGrant(sql, codeHash);
    if (owner === undefined) return;
    logger.warn(owner, "a code was used a second time: the device that came of it is signed out");
    await devices.remove(owner.userId as UserId, [owner.deviceId]);
  }

  return {
    async byCode({ clientId, code, redirectUri, verifier }) {
      const given = required({ client_id: clientId, code, redirect_uri: redirectUri });
      const { code_verifier: proof } = required({ code_verifier: verifier });
      const codeHash = hashSecret(given.code);
      const found = await codes.findCode(sql, codeHash, clock.now());
      const isOwn =
        found !== undefined &&
        found.clientId === given.client_id &&
        found.redirectUri === given.redirect_uri;
      if (!isOwn || !proves(proof, found.codeChallenge)) {
        throw new OAuthError("invalid_grant", "The code is not valid for this client");
      }
      const use = async (tx: Tx) => await codes.useCode(tx, codeHash, clock.now());
      try {
        if (!found.used) return await signIn({ ...found, codeHash }, use);
      } catch (error) {
        const now = await codes.findCode(sql, codeHash, clock.now());
        if (now?.used !== true) throw error;
      }
      await endGrant(codeHash);
      throw new OAuthError("invalid_grant", "The code has been used");
    },

    async byRefreshToken(clientId, refreshToken) {
      const given = required({ client_id: clientId, refresh_token: refreshToken });
      let scope = "";
      const session = await asGrantError(() =>
        sessions.refresh(given.refresh_token, async (tx, { userId, deviceId }) => {
          const found = await findOAuthSession(tx, userId, deviceId);
          if (found?.clientId !== given.client_id) {
            throw new OAuthError("invalid_grant", "The refresh token is not of this client");
          }
          scope = found.scope;
        }),
      );
      return { session, scope };
    },

    async byDeviceCode(clientId, deviceCode) {
      const given = required({ client_id: clientId, device_code: deviceCode });
      const grant = await deviceGrants.poll(given.client_id, given.device_code);
      return await signIn(grant, grant.take);
    },

    async revoke(token) {
      const given = required({ token });
      const owner = await findTokenOwner(sql, hashSecret(given.token));
      if (owner) await devices.remove(owner.userId as UserId, [owner.deviceId]);
    },
  };
}

/** The parameters. @throws OAuthError invalid_request when one is missing */
function required<Name extends string>(
  given: Readonly<Record<Name, string | undefined>>,
): Readonly<Record<Name, string>> {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) throw new OAuthError("invalid_request", `${name} is missing`);
  }
  return given as Readonly<Record<Name, string>>;
}

/** What is wrong with a session is wrong with the grant. */
async function asGrantError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MatrixError) || error instanceof OAuthError) throw error;
    const isOtherwise = error.status === 429 || error.errcode === "M_USER_LOCKED";
    if (isOtherwise || error.status >= 500) throw error;
    throw new OAuthError("invalid_grant", error.message);
  }
}

/** Whether a verifier is that of a challenge. (RFC 7636, section 4.6.) */
function proves(verifier: string, challenge: string): boolean {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false;
  const computed = Buffer.from(hash("sha256", verifier, "base64url"));
  const expected = Buffer.from(challenge);
  return computed.length === expected.length && timingSafeEqual(computed, expected);
}
