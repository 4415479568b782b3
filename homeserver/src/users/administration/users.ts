import type { Log } from "../../log/types.ts";
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import * as storage from "../../storage/administration/users.ts";
import { addressesOfUser } from "../../storage/contacts/addresses.ts";
import { ssoLinksOf } from "../../storage/oauth/sso-links.ts";
import type { Sql } from "../../storage/sql.ts";
import { lockAccount } from "../../storage/users/accounts.ts";
import type { Deactivation } from "../accounts/deactivation.ts";
import type { PasswordChange } from "../accounts/password-change.ts";
import type { Acting } from "../sessions/acting.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { createChanges, type ChangesDeps } from "./changes.ts";
import { changeRole, ensureCloses, ensureKeepsRole } from "./roles.ts";
import type { UserAdministration, UserDetails } from "./types.ts";

export interface UserAdministrationDeps extends ChangesDeps {
  readonly sql: Sql;
  readonly log: Log;
  readonly deactivation: Pick<Deactivation, "deactivate">;
  readonly passwordChange: Pick<PasswordChange, "change">;
  readonly sessions: Pick<Sessions, "flushLastSeen">;
  readonly acting: Pick<Acting, "issue">;
}

export function createUserAdministration(deps: UserAdministrationDeps): UserAdministration {
  const { sql, log, deactivation, passwordChange, sessions, acting } = deps;

  async function find(userId: UserId): Promise<UserDetails | undefined> {
    await sessions.flushLastSeen();
    const user = await storage.findUser(sql, userId);
    if (user === undefined) return undefined;
    const [addresses, links, agreement] = await Promise.all([
      addressesOfUser(sql, userId),
      ssoLinksOf(sql, userId),
      storage.agreementOf(sql, userId),
    ]);
    return { ...user, addresses, links, agreement };
  }

  async function known(userId: UserId): Promise<storage.ListedUser> {
    const user = await storage.findUser(sql, userId);
    if (user === undefined) throw errors.notFound("No such user");
    return user;
  }

  const changes = createChanges(deps);

  return {
    async list(filter, page) {
      await sessions.flushLastSeen();
      const [users, total] = await Promise.all([
        storage.listUsers(sql, filter, page),
        storage.countUsers(sql, filter),
      ]);
      return { users, total };
    },

    find,

    create: changes.create,

    async put(by, userId, wish) {
      const before = await storage.findUser(sql, userId);
      if (before === undefined) await changes.create(by, userId, wish);
      else await changes.change(by, before, wish);
      return before === undefined;
    },

    async setAdministrator(by, userId, isAdmin) {
      ensureKeepsRole(by, userId, isAdmin);
      await log.change(async (change) => {
        if (!(await lockAccount(change.tx, userId))) throw errors.notFound("No such user");
        await changeRole(change, userId, isAdmin);
      });
    },

    async deactivate(by, userId, erase) {
      const user = await known(userId);
      if (!user.isDeactivated) ensureCloses(by, userId, user.isAdmin);
      return deactivation.deactivate(userId, erase);
    },

    async actAs(by, userId, until) {
      if (by === userId) throw errors.invalidParam("Nobody needs that for their own account");
      if (until !== null && until <= deps.clock.now())
        throw errors.invalidParam("That time is over");
      const user = await known(userId);
      if (user.isDeactivated) throw errors.userDeactivated();
      // What is done so would be in the log of what administrators did under the wrong name.
      if (user.isAdmin) throw errors.forbidden("That is another administrator");
      return acting.issue(userId, { issuedTo: by, expiresTs: until });
    },

    async resetPassword(by, userId, password, keepDevices) {
      if ((await known(userId)).isDeactivated) throw errors.notFound("That account is closed");
      const deviceId = by.userId === userId ? by.deviceId : undefined;
      const options = { keepDevices, deviceId, byAdministrator: true };
      await passwordChange.change(userId, password, options);
    },
  };
}
