/** Creating users, and changing what is wished of them in one request. */
import type { Change, Log } from "../../log/types.ts";
import type { Clock } from "../../platform/clock.ts";
import { errors } from "../../protocol/errors.ts";
import { localpartOf, type UserId } from "../../protocol/identifiers.ts";
import {
  type ListedUser,
  lockUser,
  reopenAccount,
  setUserType,
} from "../../storage/administration/users.ts";
import { deleteSsoLink, insertSsoLink, ssoLinksOf } from "../../storage/oauth/sso-links.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { Deactivation } from "../accounts/deactivation.ts";
import type { Moderation } from "../accounts/moderation.ts";
import type { PasswordChange } from "../accounts/password-change.ts";
import type { Registration } from "../accounts/registration.ts";
import type { Address, Addresses } from "../contacts/addresses.ts";
import type { Bindings } from "../contacts/bindings.ts";
import type { Profiles } from "../data/profiles.ts";
import type { PushRules } from "../data/push-rules.ts";
import { changeRole, ensureCloses, ensureKeepsRole } from "./roles.ts";
import type { Administrator, SsoLink, UserWish } from "./types.ts";

export interface ChangesDeps {
  readonly sql: Sql;
  readonly log: Log;
  readonly clock: Clock;
  readonly accounts: Pick<Accounts, "nameFor" | "isLocal">;
  readonly registration: Pick<Registration, "create">;
  readonly addresses: Pick<Addresses, "replaceWithin">;
  readonly bindings: Pick<Bindings, "tryUnbind">;
  readonly profiles: Pick<Profiles, "set">;
  readonly pushRules: Pick<PushRules, "initialise">;
  readonly moderation: Pick<Moderation, "change">;
  readonly deactivation: Pick<Deactivation, "deactivate">;
  readonly passwordChange: Pick<PasswordChange, "change">;
}

interface Changes {
  create(by: Administrator, userId: UserId, wish: UserWish): Promise<void>;
  /** Does what differs. `before` is how the user is. */
  change(by: Administrator, before: ListedUser, wish: UserWish): Promise<void>;
}

export function createChanges(deps: ChangesDeps): Changes {
  const { log, profiles, moderation, deactivation, passwordChange } = deps;

  /** Links a user to these and no others. @throws MatrixError M_UNKNOWN 409 */
  async function replaceLinks(tx: Tx, userId: UserId, wanted: readonly SsoLink[]): Promise<void> {
    const nameOf = ({ provider, subject }: SsoLink) => `${provider}\0${subject}`;
    const missing = new Map(wanted.map((link) => [nameOf(link), link]));
    for (const link of await ssoLinksOf(tx, userId)) {
      if (!missing.delete(nameOf(link))) await deleteSsoLink(tx, userId, link);
    }
    for (const link of missing.values()) {
      const row = { ...link, userId, linkedTs: deps.clock.now() };
      if (await insertSsoLink(tx, row)) continue;
      throw errors.unknown("An account elsewhere is linked to another user already", 409);
    }
  }

  /** What changes in the account itself, all of it or nothing. Answers addresses that it has lost. */
  function changeAccount(before: ListedUser, wish: UserWish): Promise<Address[]> {
    const userId = before.userId as UserId;
    return log.change(async (change) => {
      const { tx, record } = change;
      await lockUser(tx, userId);
      if (before.isDeactivated && wish.isDeactivated === false) {
        await reopenAccount(tx, userId);
        record({ kind: "session", userId });
        record({ kind: "profile", userId });
      }
      if (differs(wish.isAdmin, before.isAdmin)) await changeRole(change, userId, wish.isAdmin);
      if (differs(wish.userType, before.userType)) await changeType(change, userId, wish.userType);
      if (wish.links !== undefined) await replaceLinks(tx, userId, wish.links);
      if (wish.addresses === undefined) return [];
      return deps.addresses.replaceWithin(change, userId, wish.addresses);
    });
  }

  async function changeProfile(userId: UserId, before: Profile, wish: UserWish): Promise<void> {
    const { displayName, avatarUrl } = wish;
    if (displayName !== undefined && (displayName || null) !== before.displayName) {
      await profiles.set(userId, "displayname", displayName ?? undefined);
    }
    if (avatarUrl !== undefined && (avatarUrl || null) !== before.avatarUrl) {
      await profiles.set(userId, "avatar_url", avatarUrl ?? undefined);
    }
  }

  return {
    async create(by, userId, wish) {
      if (!deps.accounts.isLocal(userId)) {
        throw errors.invalidParam("That user would be one of another server");
      }
      const wished = localpartOf(userId);
      if (deps.accounts.nameFor(wished) !== userId) {
        throw errors.invalidUsername("A user name has no capital letters");
      }
      ensureOneState(wish);
      const { isAdmin = false, userType = null } = wish;
      if (isAdmin && (wish.isLocked || wish.isDeactivated)) {
        throw errors.forbidden("No administrator is locked, or closed");
      }
      const within = async (tx: Tx) => {
        if (wish.links !== undefined) await replaceLinks(tx, userId, wish.links);
        if (wish.addresses === undefined) return;
        const change = { tx, record: () => undefined }; // nobody knows of the account yet
        await deps.addresses.replaceWithin(change, userId, wish.addresses);
      };
      await deps.registration.create(wished, wish.password, { isAdmin, userType, within });
      await changeProfile(userId, { displayName: null, avatarUrl: null }, wish);
      if (wish.isLocked) await moderation.change(by.userId, userId, { locked: true });
      if (wish.isDeactivated) await deactivation.deactivate(userId, false);
    },

    async change(by, before, wish) {
      const userId = before.userId as UserId;
      checkChange(by.userId, before, wish);
      const lost = await changeAccount(before, wish);
      for (const { medium, address } of lost) {
        await deps.bindings.tryUnbind(userId, medium, address);
      }
      const isReopened = before.isDeactivated && wish.isDeactivated === false;
      if (isReopened) await deps.pushRules.initialise(userId);
      if (wish.password !== undefined) {
        const deviceId = by.userId === userId ? by.deviceId : undefined;
        const keepDevices = wish.keepDevices === true;
        const options = { keepDevices, deviceId, byAdministrator: true };
        await passwordChange.change(userId, wish.password, options);
      }
      await changeProfile(userId, before, wish);
      if (differs(wish.isLocked, before.isLocked)) {
        await moderation.change(by.userId, userId, { locked: wish.isLocked });
      }
      if (wish.isDeactivated === true && !before.isDeactivated) {
        await deactivation.deactivate(userId, false);
      }
    },
  };
}

type Profile = Pick<ListedUser, "displayName" | "avatarUrl">;

/** What is wished and not so. */
function differs<T>(wished: T | undefined, is: unknown): wished is T {
  return wished !== undefined && wished !== is;
}

/** The user directory shows accounts by their type. */
async function changeType(
  { tx, record }: Change,
  userId: UserId,
  type: string | null,
): Promise<void> {
  await setUserType(tx, userId, type);
  record({ kind: "profile", userId });
}

/** @throws MatrixError M_INVALID_PARAM 400 */
function ensureOneState({ isDeactivated, isLocked }: UserWish): void {
  if (isDeactivated && isLocked) {
    throw errors.invalidParam("An account is either closed or locked, not both");
  }
}

/**
 * Whether all of it can be, before any of it is.
 * @throws MatrixError M_INVALID_PARAM 400, M_FORBIDDEN 403
 */
function checkChange(by: UserId, before: ListedUser, wish: UserWish): void {
  const userId = before.userId as UserId;
  ensureOneState(wish);
  if (differs(wish.isAdmin, before.isAdmin)) ensureKeepsRole(by, userId, wish.isAdmin);
  const isAdmin = wish.isAdmin ?? before.isAdmin;
  if (wish.isDeactivated === true && !before.isDeactivated) ensureCloses(by, userId, isAdmin);
  if (differs(wish.isLocked, before.isLocked) && (isAdmin || by === userId)) {
    throw errors.forbidden("That is another administrator, or yourself");
  }
  if (!before.isDeactivated || wish.isDeactivated === false) return;
  const isRefused =
    wish.password !== undefined ||
    (wish.displayName ?? "") !== "" ||
    (wish.avatarUrl ?? "") !== "" ||
    (wish.addresses?.length ?? 0) > 0 ||
    differs(wish.isAdmin, before.isAdmin) ||
    differs(wish.isLocked, before.isLocked);
  if (isRefused) throw errors.invalidParam("The account is closed: open it first");
}
