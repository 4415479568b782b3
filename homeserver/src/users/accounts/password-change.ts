import type { UserId } from "../../protocol/identifiers.ts";
import { deleteConfirmationsOf } from "../../storage/contacts/confirmations.ts";
import { deleteBrowserSessionsOf } from "../../storage/oauth/browser-sessions.ts";
import { deleteGrantsOf } from "../../storage/oauth/sessions.ts";
import { deleteLoginTokens } from "../../storage/users/access-tokens.ts";
import { updatePasswordHash } from "../../storage/users/accounts.ts";
import type { Change } from "../../log/types.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import { deleteUiaSessionsOf } from "../../storage/users/uia-sessions.ts";
import { holdOpenAccount } from "../common/open-account.ts";
import type { Confirmations } from "../contacts/confirmations.ts";
import type { Devices } from "../sessions/devices.ts";
import type { Passwords } from "./passwords.ts";

/** Changing passwords. (Client-server API, "Password management".) */
export interface PasswordChange {
  /**
   * Sets a new password. Everything authorised by the old one ends at the same time: sign-in
   * tokens, authentication sessions, what was granted to clients and not used yet, sessions of
   * browsers on the server's own pages, links in mails that allow the same, and, unless `keepDevices`, all devices but `deviceId` with
   * their tokens.
   * @throws MatrixError M_WEAK_PASSWORD, M_THREEPID_AUTH_FAILED (both 400), M_USER_LOCKED 401
   */
  change(
    userId: UserId,
    password: string,
    options: {
      keepDevices: boolean;
      deviceId: string | undefined;
      /** The confirmation of an address that allows it, which is used up. */
      confirmation?: string | undefined;
      /** An administrator sets it: it may be as short as they like. */
      byAdministrator?: boolean;
    },
  ): Promise<void>;
}

export function createPasswordChange(deps: {
  sql: Sql;
  passwords: Passwords;
  devices: Devices;
  confirmations: Confirmations;
}): PasswordChange {
  const { sql, passwords, devices, confirmations } = deps;
  return {
    async change(userId, password, options) {
      const { keepDevices, deviceId, confirmation, byAdministrator = false } = options;
      if (!byAdministrator) passwords.ensureStrong(password);
      const hash = await passwords.hash(password);
      const replace = async (tx: Tx) => {
        // The account first: a concurrent sign-in waits, and finds the new password.
        await updatePasswordHash(tx, userId, hash);
        if (confirmation !== undefined) {
          await holdOpenAccount(tx, userId);
          await confirmations.take(tx, "password", confirmation);
        }
        await deleteConfirmationsOf(tx, userId, "password");
        await deleteLoginTokens(tx, userId);
        await deleteUiaSessionsOf(tx, userId);
        await deleteGrantsOf(tx, userId);
        await deleteBrowserSessionsOf(tx, userId);
      };
      if (keepDevices) await transaction(sql, replace);
      else await devices.removeOthers(userId, deviceId, ({ tx }: Change) => replace(tx));
    },
  };
}
