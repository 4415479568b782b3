import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { keepNewest } from "../../storage/expiring-rows.ts";
import type { Sql } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import { insertUiaSession, takeUiaSession } from "../../storage/users/uia-sessions.ts";
import { holdOpenAccount } from "../common/open-account.ts";
import { hashSecret, newSecret } from "../common/secrets.ts";
import type { Act } from "./types.ts";

/** What is proven: somebody has just signed in once more, in a browser, for one act. */
interface Proven {
  readonly userId: UserId;
  readonly act: Act;
  /** The cookie of the browser. */
  readonly browser: string;
}

/** What stands for the password of people on the server's own pages, once and soon. */
export interface Proofs {
  /** @returns a secret for the form. @throws MatrixError M_FORBIDDEN 403, M_USER_LOCKED 401 */
  begin(proven: Proven): Promise<string>;
  /**
   * Uses it up.
   * @throws MatrixError M_FORBIDDEN 403 for one that is too old or used, or for anything else
   */
  take(proof: string, proven: Proven): Promise<void>;
}

/** ms: time to think of a password. */
const LIFE_MS = 10 * 60_000;
/** Of one user, together with sessions of user-interactive authentication. */
const MAX_SESSIONS = 50;

/**
 * Proofs are sessions of user-interactive authentication that no app can go on with: so they end
 * with them, when the password is changed or the account closed.
 */
export function createProofs({
  sql,
  clock,
  random,
}: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly random: Random;
}): Proofs {
  const sessionOf = ({ userId, act, browser }: Proven) => ({
    ...{ operation: `page ${act}`, userId, requestDigest: hashSecret(browser) },
  });

  return {
    async begin(proven) {
      const { userId } = proven;
      const proof = newSecret("session", random);
      await transaction(sql, async (tx) => {
        if ((await holdOpenAccount(tx, userId)) === undefined) throw errors.userDeactivated();
        const now = clock.now();
        await insertUiaSession(tx, hashSecret(proof), sessionOf(proven), now, now + LIFE_MS);
        await keepNewest(tx, "uia_sessions", userId, MAX_SESSIONS);
      });
      return proof;
    },

    async take(proof, proven) {
      if (await takeUiaSession(sql, hashSecret(proof), sessionOf(proven), clock.now())) return;
      throw errors.forbidden("This has taken too long, or is done already: sign in once more");
    },
  };
}
