import type { UserId } from "../../protocol/identifiers.ts";
import { deleteBrowserSessionsOf } from "../../storage/oauth/browser-sessions.ts";
import { deleteGrantsOf } from "../../storage/oauth/sessions.ts";
import { deleteLoginTokens } from "../../storage/users/access-tokens.ts";
import { updatePasswordHash } from "../../storage/users/accounts.ts";
import type { Change } from "../../log/types.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import { deleteUiaSessionsOf } from "../../storage/users/uia-sessions.ts";
import type { Devices } from "../sessions/devices.ts";
import type { Passwords } from "./passwords.ts";

/** Changing passwords. (Client-server API, "Password management".) */
export interface PasswordChange {
  /**
   * Sets a new password. Everything authorised by the old one ends at the same time: sign-in
   * tokens, authentication sessions, what was granted to clients and not used yet, sessions of
   * browsers on the server's own pages, and, unless `keepDevices`, all devices but `deviceId` with
   * their tokens.
   * @throws MatrixError M_WEAK_PASSWORD 400
   */
  change(
    userId: UserId,
    password: string,
    options: { keepDevices: boolean; deviceId: string | undefined },
  ): Promise<void>;
}

export function createPasswordChange(deps: {
  sql: Sql;
  passwords: Passwords;
  devices: Devices;
}): PasswordChange {
  const { sql, passwords, devices } = deps;
  return {
    async change(userId, password, { keepDevices, deviceId }) {
      passwords.ensureStrong(password);
      const hash = await passwords.hash(password);
      const replace = async (tx: Tx) => {
        // The account first: a concurrent sign-in waits, and finds the new password.
        await updatePasswordHash(tx, userId, hash);
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
