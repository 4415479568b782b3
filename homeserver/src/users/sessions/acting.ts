/** Tokens of no device: somebody acts as a user without signing a device in. */
import type { Change, Log } from "../../log/types.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Random } from "../../platform/random.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import {
  deleteAccessToken,
  deleteDeviceTokens,
  deleteExpiredTokens,
  deleteTokensIssuedTo,
  insertAccessToken,
} from "../../storage/users/access-tokens.ts";
import { hashSecret, newSecret } from "../common/secrets.ts";

export interface Acting {
  /**
   * A token by which an administrator (`issuedTo`) acts as a user, with none of the user's own rights as
   * an administrator; or, without `issuedTo`, one by which the command line acts as an administrator.
   * It is no device's, and shows in no list. `expiresTs` is in ms since 1970; null: never.
   */
  issue(
    userId: UserId,
    options: { readonly issuedTo: UserId | null; readonly expiresTs: number | null },
  ): Promise<string>;
  /** Ends such a token, known by its SHA-256; another one stays. */
  end(userId: UserId, tokenHash: Buffer): Promise<void>;
}

/** The device of such tokens. */
const NO_DEVICE = "";

export function createActing(deps: { log: Log; clock: Clock; random: Random }): Acting {
  const { log, clock, random } = deps;
  return {
    async issue(userId, { issuedTo, expiresTs }) {
      const token = newSecret("access", random);
      const row = { tokenHash: hashSecret(token), userId, deviceId: NO_DEVICE, refreshHash: null };
      const now = clock.now();
      await log.change(async ({ tx }) => {
        await deleteExpiredTokens(tx, userId, NO_DEVICE, now);
        await insertAccessToken(tx, { ...row, createdTs: now, expiresTs, issuedTo });
      });
      return token;
    },
    async end(userId, tokenHash) {
      await log.change(async ({ tx, record }) => {
        if (await deleteAccessToken(tx, tokenHash, NO_DEVICE)) record({ kind: "session", userId });
      });
    },
  };
}

/** Ends all tokens by which an administrator acts as others. */
export async function endActingBy({ tx, record }: Change, administrator: UserId): Promise<void> {
  for (const userId of await deleteTokensIssuedTo(tx, administrator)) {
    record({ kind: "session", userId });
  }
}

/** Ends all tokens by which somebody acts as a user. */
export async function endActingAs({ tx, record }: Change, userId: UserId): Promise<void> {
  await deleteDeviceTokens(tx, userId, [NO_DEVICE]);
  record({ kind: "session", userId });
}
