import type { Clock } from "../../platform/clock.ts";
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { Log } from "../../log/types.ts";
import type { OwnRate } from "../common/types.ts";
import type { Sql } from "../../storage/sql.ts";
import {
  type AccountRow,
  findAccount,
  lockAccount,
  setLockedTs,
  setRate,
  setShadowBannedTs,
  setSuspendedTs,
} from "../../storage/users/accounts.ts";

/** What an account is kept from. */
interface ModerationState {
  /** All but signing out. */
  readonly locked: boolean;
  /** What others would see of it: messages, joins, its profile. */
  readonly suspended: boolean;
  /** Nothing that it is told of: nobody gets what it sends. */
  readonly shadowBanned: boolean;
}

/** Locking and suspending local accounts. (Client-server API, "Account moderation".) */
export interface Moderation {
  /**
   * `by` is an administrator, and so in `change`.
   * @throws MatrixError M_NOT_FOUND 404 for no account or a closed one, M_FORBIDDEN 403 for another
   * administrator's
   */
  stateOf(by: UserId, userId: UserId): Promise<ModerationState>;
  /**
   * Changes one or the other. Sessions, devices, keys and pushers stay; every replica knows of it
   * before it answers its next request. Requests that wait end when the account is locked.
   * @throws MatrixError M_FORBIDDEN 403 for an administrator's account, M_NOT_FOUND 404
   */
  change(by: UserId, userId: UserId, wanted: Partial<ModerationState>): Promise<void>;
  /**
   * Gives an account a rate of its own, or everybody's again (undefined). Every replica knows of it
   * before it answers the account's next request.
   * @throws MatrixError M_NOT_FOUND 404 for no account or a closed one
   */
  setRate(userId: UserId, rate: OwnRate | undefined): Promise<void>;
}

export function createModeration(deps: { sql: Sql; log: Log; clock: Clock }): Moderation {
  const { sql, log, clock } = deps;

  return {
    async stateOf(by, userId) {
      const row = ensureOpen(await findAccount(sql, userId));
      if (row.isAdmin && by !== userId) throw errors.forbidden("That is another administrator");
      return {
        locked: row.lockedTs !== null,
        suspended: row.suspendedTs !== null,
        shadowBanned: row.shadowBannedTs !== null,
      };
    },

    async change(by, userId, { locked, suspended, shadowBanned }) {
      if (by === userId) throw errors.forbidden("Nobody locks or suspends their own account");
      await log.change(async ({ tx, record }) => {
        await lockAccount(tx, userId);
        const row = ensureOpen(await findAccount(tx, userId));
        if (row.isAdmin) throw errors.forbidden("That is another administrator");
        const now = clock.now();
        // What is so already stays since when it was.
        const since = (wish: boolean, before: number | null) => (wish ? (before ?? now) : null);
        if (locked !== undefined) await setLockedTs(tx, userId, since(locked, row.lockedTs));
        if (suspended !== undefined) {
          await setSuspendedTs(tx, userId, since(suspended, row.suspendedTs));
        }
        if (shadowBanned !== undefined) {
          await setShadowBannedTs(tx, userId, since(shadowBanned, row.shadowBannedTs));
        }
        // Whoever keeps tokens in memory, or sends notifications, reads them again.
        record({ kind: "session", userId });
        if (locked !== undefined) record({ kind: "pusher", userId });
      });
    },

    async setRate(userId, rate) {
      await log.change(async ({ tx, record }) => {
        if (!(await lockAccount(tx, userId))) throw errors.notFound("No such user");
        await setRate(tx, userId, rate ?? null);
        record({ kind: "session", userId });
      });
    },
  };
}

/** @throws MatrixError M_NOT_FOUND 404 */
function ensureOpen(row: AccountRow | undefined): AccountRow {
  if (row === undefined || row.deactivatedTs !== null) throw errors.notFound("No such user");
  return row;
}
