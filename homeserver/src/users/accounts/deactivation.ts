import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/logger.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { deleteDelayedEventsOf } from "../../storage/delayed-events.ts";
import { deleteAddressesOf } from "../../storage/contacts/addresses.ts";
import { deleteConfirmationsOf } from "../../storage/contacts/confirmations.ts";
import { deletePushersOf } from "../../storage/push/pushers.ts";
import { deleteLoginTokens } from "../../storage/users/access-tokens.ts";
import { closeAccount, closedAccountsInRooms } from "../../storage/users/accounts.ts";
import { deleteCrossSigning } from "../../storage/users/cross-signing-keys.ts";
import { deleteFilters } from "../../storage/users/filters.ts";
import { deleteBackups } from "../../storage/users/key-backups.ts";
import { deleteProfile, deleteProfileChanges } from "../../storage/users/profiles.ts";
import type { Sql } from "../../storage/sql.ts";
import { deleteUiaSessionsOf } from "../../storage/users/uia-sessions.ts";
import { endActingAs } from "../sessions/acting.ts";
import type { Devices } from "../sessions/devices.ts";
import type { UserHooks } from "../common/types.ts";
import type { Bindings } from "../contacts/bindings.ts";

/** Closing accounts for good. (Client-server API, "Account deactivation".) */
export interface Deactivation {
  /**
   * Closes an account: no sign-in, no session, no profile any more. Leaving the rooms continues
   * after this returns. `erase` also removes account data and filters, and marks the user's events
   * as erased. Identity servers are asked to forget the user's addresses: whether they have.
   */
  deactivate(userId: UserId, erase: boolean, idServer?: string): Promise<"success" | "no-support">;
  /** Continues leaving rooms where a stop of the server interrupted it, or it failed. */
  resume(): Promise<void>;
  /** Resolves when all rooms have been left. */
  settled(): Promise<void>;
}

export function createDeactivation(deps: {
  sql: Sql;
  clock: Clock;
  logger: Logger;
  devices: Devices;
  bindings: Pick<Bindings, "unbindAll" | "resume">;
  hooks: Pick<UserHooks, "leaveAllRooms">;
}): Deactivation {
  const { sql, clock, logger, devices, bindings, hooks } = deps;
  let leaving: Promise<void> = Promise.resolve();
  const waiting = new Set<UserId>();

  function leaveRooms(userId: UserId): void {
    if (waiting.has(userId)) return;
    waiting.add(userId);
    leaving = leaving.then(async () => {
      waiting.delete(userId);
      try {
        await hooks.leaveAllRooms(userId);
      } catch (error) {
        logger.error({ err: error, userId }, "a closed account could not leave its rooms");
      }
    });
  }

  return {
    async deactivate(userId, erase, idServer) {
      await devices.removeOthers(userId, undefined, async (change) => {
        const { tx, record } = change;
        await closeAccount(tx, userId, clock.now(), erase);
        await endActingAs(change, userId);
        await deleteLoginTokens(tx, userId);
        await deleteUiaSessionsOf(tx, userId);
        await deleteProfile(tx, userId);
        await deleteProfileChanges(tx, userId);
        await deleteBackups(tx, userId);
        await deletePushersOf(tx, userId);
        await deleteDelayedEventsOf(tx, userId);
        await deleteConfirmationsOf(tx, userId, "password");
        await deleteAddressesOf(tx, userId);
        if (await deleteCrossSigning(tx, userId)) {
          record({ kind: "device_list", userId, deviceId: "", isRemoved: true });
        }
        if (erase) {
          await deleteFilters(tx, userId);
          record({ kind: "erasure", userId });
        }
      });
      leaveRooms(userId);
      return await bindings.unbindAll(userId, idServer);
    },

    async resume() {
      bindings.resume().catch((err: unknown) => {
        logger.warn({ err }, "identity servers still know of closed accounts");
      });
      for (const userId of await closedAccountsInRooms(sql)) leaveRooms(userId as UserId);
    },

    settled: () => leaving,
  };
}
