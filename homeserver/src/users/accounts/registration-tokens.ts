import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { errors } from "../../protocol/errors.ts";
import { anyAccount } from "../../storage/users/accounts.ts";
import * as storage from "../../storage/users/registration-tokens.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { readableCode } from "../common/secrets.ts";

interface RegistrationToken {
  readonly token: string;
  /** null: without limit. */
  readonly usesAllowed: number | null;
  readonly uses: number;
  /** ms since 1970; null: never. */
  readonly expiresTs: number | null;
}

/** Tokens that let somebody register. (Client-server API, "Token-authenticated registration".) */
export interface RegistrationTokens {
  isValid(token: string): Promise<boolean>;
  /**
   * Uses a token up by one within the transaction that creates the account.
   * @throws MatrixError M_FORBIDDEN 403 when it has no use left
   */
  take(tx: Tx, token: string): Promise<{ bootstrap: boolean }>;
  /** @throws MatrixError M_INVALID_PARAM 400 for a bad or existing token */
  create(options: {
    token?: string | undefined;
    usesAllowed?: number | null;
    expiresTs?: number | null;
  }): Promise<RegistrationToken>;
  list(): Promise<RegistrationToken[]>;
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

  return {
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
      const token = options.token ?? readableCode(16, random);
      if (!GRAMMAR.test(token)) {
        throw errors.invalidParam("A registration token has 1 to 64 characters of A-Za-z0-9._~-");
      }
      const usesAllowed = options.usesAllowed ?? null;
      const expiresTs = options.expiresTs ?? null;
      const row = { token, usesAllowed, expiresTs, createdTs: clock.now(), bootstrap: false };
      if (!(await storage.insertRegistrationToken(sql, row))) {
        throw errors.invalidParam("That registration token exists");
      }
      return { token, usesAllowed, uses: 0, expiresTs };
    },

    async list() {
      const rows = await storage.listRegistrationTokens(sql);
      return rows.map(({ token, usesAllowed, uses, expiresTs }) => ({
        token,
        usesAllowed,
        uses,
        expiresTs,
      }));
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
