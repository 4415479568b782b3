import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import * as storage from "../../storage/oauth/browser-sessions.ts";
import type { Sql } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { Visitor } from "../accounts/attempts.ts";
import type { Named } from "../accounts/identifier.ts";
import { holdOpenAccount } from "../common/open-account.ts";
import { hashSecret, newSecret } from "../common/secrets.ts";

/** People who are signed in on the server's own pages, by a cookie. */
export interface BrowserSessions {
  /** How long one lasts, ms. */
  readonly lifeMs: number;
  /** A cookie for a browser in which nobody has signed in. Nothing is stored of it. */
  newVisitor(): string;
  /**
   * Signs somebody in by their name, or an address, and their password.
   * @returns the new cookie
   * @throws MatrixError M_FORBIDDEN 403, M_LIMIT_EXCEEDED 429
   */
  signIn(user: Named, password: string, visitor: Visitor): Promise<string>;
  /** Signs in somebody who has just registered. @returns the new cookie */
  begin(userId: UserId): Promise<string>;
  /** Who is signed in. */
  find(cookie: string | undefined): Promise<UserId | undefined>;
  end(cookie: string): Promise<void>;
  /** A value by which a form of this browser is known. */
  formKey(cookie: string): string;
  /** Whether a form came from a page that was shown to this browser. */
  isFormKey(cookie: string, value: string | undefined): boolean;
}

const LIFE_MS = 14 * 86_400_000;
const SALT_BYTES = 16;
/** Sessions of one user. */
const MAX_SESSIONS = 20;

export function createBrowserSessions(deps: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
  readonly accounts: Accounts;
}): BrowserSessions {
  const { sql, clock, random, accounts } = deps;

  /** Begins a session if `passwordHash` is still the user's; undefined: whatever it is. */
  async function begin(userId: UserId, passwordHash?: string): Promise<string> {
    const cookie = newSecret("browser", random);
    const now = clock.now();
    const row = { tokenHash: hashSecret(cookie), userId, now, expiresTs: now + LIFE_MS };
    await transaction(sql, async (tx) => {
      const current = await holdOpenAccount(tx, userId);
      if (current === undefined || (passwordHash !== undefined && current !== passwordHash)) {
        throw errors.forbidden("The user name or the password is wrong");
      }
      await storage.insertBrowserSession(tx, { ...row, max: MAX_SESSIONS });
    });
    return cookie;
  }

  /** A new value each time: compression of pages then says nothing about it. */
  const formKey = (cookie: string, salt = Buffer.from(random.bytes(SALT_BYTES))) =>
    Buffer.concat([salt, createHmac("sha256", cookie).update(salt).digest()]).toString("base64url");

  return {
    lifeMs: LIFE_MS,
    newVisitor: () => newSecret("browser", random),
    begin,
    async signIn(user, password, visitor) {
      const { userId, passwordHash } = await accounts.checkPassword(user, password, visitor);
      return await begin(userId, passwordHash);
    },
    async find(cookie) {
      if (cookie === undefined) return undefined;
      const found = await storage.findBrowserSession(sql, hashSecret(cookie), clock.now());
      return found as UserId | undefined;
    },
    end: (cookie) => storage.deleteBrowserSession(sql, hashSecret(cookie)),
    formKey,
    isFormKey(cookie, value) {
      const given = Buffer.from(value ?? "", "base64url");
      const salt = given.subarray(0, SALT_BYTES);
      const expected = Buffer.from(formKey(cookie, salt), "base64url");
      return expected.length === given.length && timingSafeEqual(expected, given);
    },
  };
}
