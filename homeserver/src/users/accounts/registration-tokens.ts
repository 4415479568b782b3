import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { errors } from "../../protocol/errors.ts";
import { anyAccount } from "../../storage/users/accounts.ts";
import * as storage from "../../storage/users/registration-tokens.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { readableCode } from "../common/secrets.ts";

export interface RegistrationToken {
  readonly token: string;
  /** null: without limit. */
  readonly usesAllowed: number | null;
  readonly uses: number;
  /** Registrations under way that have shown it. */
  readonly pending: number;
  /** ms since 1970; null: never. */
  readonly expiresTs: number | null;
}

/** What is undefined stays as it is, or has no bound. */
interface TokenBounds {
  readonly usesAllowed?: number | null | undefined;
  readonly expiresTs?: number | null | undefined;
}

/** Tokens that let somebody register. (Client-server API, "Token-authenticated registration".) */
export interface RegistrationTokens {
  isValid(token: string): Promise<boolean>;
  /**
   * Uses a token up by one within the transaction that creates the account.
   * @throws MatrixError M_FORBIDDEN 403 when it has no use left
   */
  take(tx: Tx, token: string): Promise<{ bootstrap: boolean }>;
  /**
   * Makes a token: the one that is given, or one of `length` characters (16).
   * @throws MatrixError M_INVALID_PARAM 400 for a bad or existing token, or a time that is over
   */
  create(
    options: TokenBounds & { token?: string | undefined; length?: number | undefined },
  ): Promise<RegistrationToken>;
  /**
   * The newest first, as here and below without that of the first start, whose user becomes an administrator. `valid`: those that are good, or
   * those that are not.
   */
  list(valid?: boolean): Promise<RegistrationToken[]>;
  /** @throws MatrixError M_NOT_FOUND 404 */
  get(token: string): Promise<RegistrationToken>;
  /** @throws MatrixError M_NOT_FOUND 404, M_INVALID_PARAM 400 for a time that is over */
  update(token: string, bounds: TokenBounds): Promise<RegistrationToken>;
  /** @throws MatrixError M_NOT_FOUND 404 */
  delete(token: string): Promise<void>;
  /**
   * The token with which the first user of a new server registers and becomes its administrator. It
   * is created while there is no account, the same at every start until it is used, and undefined
   * afterwards.
   */
  ensureBootstrapToken(): Promise<string | undefined>;
}

const GRAMMAR = /^[A-Za-z0-9._~-]{1,64}$/;

export function createRegistrationTokens(deps: {
  sql: Sql;
  clock: Clock;
  random: Random;
}): RegistrationTokens {
  const { sql, clock, random } = deps;

  function ensureToCome(expiresTs: number | null | undefined): void {
    if (expiresTs == null || expiresTs > clock.now()) return;
    throw errors.invalidParam("The time until which it is good is over");
  }

  async function get(token: string): Promise<RegistrationToken> {
    const found = GRAMMAR.test(token)
      ? await storage.findRegistrationToken(sql, token, clock.now())
      : undefined;
    if (found === undefined) throw errors.notFound("No such registration token");
    return found;
  }

  return {
    get,

    async isValid(token) {
      return (
        GRAMMAR.test(token) && (await storage.isRegistrationTokenValid(sql, token, clock.now()))
      );
    },

    async take(tx, token) {
      const taken = await storage.takeRegistrationToken(tx, token, clock.now());
      if (taken === undefined) throw errors.forbidden("The registration token is used up");
      return taken;
    },

    async create(options) {
      const token = options.token ?? readableCode(options.length ?? 16, random);
      ensureToCome(options.expiresTs);
      if (!GRAMMAR.test(token)) {
        throw errors.invalidParam("A registration token has 1 to 64 characters of A-Za-z0-9._~-");
      }
      const usesAllowed = options.usesAllowed ?? null;
      const expiresTs = options.expiresTs ?? null;
      const row = { token, usesAllowed, expiresTs, createdTs: clock.now(), bootstrap: false };
      if (!(await storage.insertRegistrationToken(sql, row))) {
        throw errors.invalidParam("That registration token exists");
      }
      return { token, usesAllowed, uses: 0, pending: 0, expiresTs };
    },

    list: (valid) => storage.listRegistrationTokens(sql, clock.now(), valid),

    async update(token, bounds) {
      ensureToCome(bounds.expiresTs);
      if (GRAMMAR.test(token)) await storage.updateRegistrationToken(sql, token, bounds);
      return get(token);
    },

    async delete(token) {
      const deleted = GRAMMAR.test(token) && (await storage.deleteRegistrationToken(sql, token));
      if (!deleted) throw errors.notFound("No such registration token");
    },

    async ensureBootstrapToken() {
      if (await anyAccount(sql)) return undefined;
      const token = readableCode(16, random);
      const createdTs = clock.now();
      const row = { token, usesAllowed: 1, expiresTs: null, createdTs, bootstrap: true };
      if (await storage.insertRegistrationToken(sql, row)) return token;
      return await storage.findBootstrapToken(sql);
    },
  };
}
