/**
 * Tokens by which users prove to other services who they are. (Client-server API, "OpenID".)
 *
 * Nothing of them is stored: a token names its user and its end, under a code that only this server
 * can make. So strangers who ask whose a token is cost a hash, and only the true ones a look at the
 * account.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { isUserId, type UserId } from "../../protocol/identifiers.ts";
import type { Accounts } from "./accounts.ts";

const LIFE_S = 3_600;
const PREFIX = "weft_o_";
const NONCE_BYTES = 9;

export interface OpenIdTokens {
  /** A new token, good for `expiresInS` seconds. */
  issue(userId: UserId): { token: string; expiresInS: number };
  /**
   * Whose token that is; undefined if it is none, is too old, or the account is closed, locked or
   * suspended.
   */
  ownerOf(token: string): Promise<UserId | undefined>;
}

/** @param secret known to all replicas of this server, and to nobody else */
export function createOpenIdTokens(deps: {
  readonly accounts: Pick<Accounts, "find">;
  readonly clock: Clock;
  readonly random: Random;
  readonly secret: string;
}): OpenIdTokens {
  const { accounts, clock, random } = deps;
  const key = createHmac("sha256", deps.secret).update("OpenID tokens").digest();
  const codeOf = (claim: string) => createHmac("sha256", key).update(claim).digest();

  /** The text that the code vouches for; undefined if it does not. */
  function claimIn(token: string): string | undefined {
    if (!token.startsWith(PREFIX)) return undefined;
    const [claim = "", code = ""] = token.slice(PREFIX.length).split(".");
    const given = Buffer.from(code, "base64url");
    const right = codeOf(claim);
    if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
    return Buffer.from(claim, "base64url").toString("utf8");
  }

  return {
    issue(userId) {
      const endsAt = clock.now() + LIFE_S * 1_000;
      const nonce = Buffer.from(random.bytes(NONCE_BYTES)).toString("base64url");
      const claim = Buffer.from(`${endsAt} ${nonce} ${userId}`).toString("base64url");
      const token = `${PREFIX}${claim}.${codeOf(claim).toString("base64url")}`;
      return { token, expiresInS: LIFE_S };
    },
    async ownerOf(token) {
      const [endsAt = "", , userId] = claimIn(token)?.split(" ") ?? [];
      if (!isUserId(userId) || Number(endsAt) <= clock.now()) return undefined;
      const account = await accounts.find(userId);
      if (account === undefined || account.deactivated) return undefined;
      return account.restriction === undefined ? userId : undefined;
    },
  };
}
