import type { UserId } from "../../protocol/identifiers.ts";
import type { ListedUser, UserFilter, UserPage } from "../../storage/administration/users.ts";
import type { AddressRow } from "../../storage/contacts/addresses.ts";
import type { Address } from "../contacts/addresses.ts";

export type { ListedUser, UserFilter, UserPage };

/** A user as administrators see one. */
export interface UserDetails extends ListedUser {
  readonly addresses: readonly AddressRow[];
  readonly links: readonly SsoLink[];
  /** What they have agreed to, and when, ms since 1970. */
  readonly agreement: { readonly versions: string; readonly ts: number } | undefined;
}

/** An account at a provider of single sign-on. */
export interface SsoLink {
  readonly provider: string;
  readonly subject: string;
}

export type UserType = "bot" | "support";

/** What is to be so of a user; undefined: it stays. */
export interface UserWish {
  readonly password?: string | undefined;
  /** Whether a new password leaves all devices signed in. */
  readonly keepDevices?: boolean | undefined;
  /** null: none. */
  readonly displayName?: string | null | undefined;
  readonly avatarUrl?: string | null | undefined;
  readonly addresses?: readonly Address[] | undefined;
  readonly links?: readonly SsoLink[] | undefined;
  readonly isAdmin?: boolean | undefined;
  readonly isDeactivated?: boolean | undefined;
  readonly isLocked?: boolean | undefined;
  readonly userType?: UserType | null | undefined;
}

/** The administrator who asks, and the device that they ask with. */
export interface Administrator {
  readonly userId: UserId;
  readonly deviceId: string;
}

/** What administrators do with the users of this server. See docs/decisions/0050. */
export interface UserAdministration {
  /** A page of users, and how many there are on all. */
  list(filter: UserFilter, page: UserPage): Promise<{ users: ListedUser[]; total: number }>;
  /** A user, closed accounts included. */
  find(userId: UserId): Promise<UserDetails | undefined>;
  /**
   * Creates a user, or changes one; true: there was none. What can't be had is refused before
   * anything is changed.
   * @throws MatrixError M_INVALID_PARAM, M_INVALID_USERNAME, M_EXCLUSIVE, M_USER_IN_USE,
   *   M_WEAK_PASSWORD, M_THREEPID_IN_USE (all 400), M_FORBIDDEN 403, M_UNKNOWN 409
   */
  put(by: Administrator, userId: UserId, wish: UserWish): Promise<boolean>;
  /** Creates a user, and changes nobody. @throws MatrixError as `put` */
  create(by: Administrator, userId: UserId, wish: UserWish): Promise<void>;
  /** @throws MatrixError M_NOT_FOUND 404, M_FORBIDDEN 403 for giving up one's own role */
  setAdministrator(by: UserId, userId: UserId, isAdmin: boolean): Promise<void>;
  /** @throws MatrixError M_NOT_FOUND 404, M_FORBIDDEN 403 for administrators and oneself */
  deactivate(by: UserId, userId: UserId, erase: boolean): Promise<"success" | "no-support">;
  /**
   * A token by which an administrator acts as a user until then, ms since 1970; null: for ever.
   * @throws MatrixError M_NOT_FOUND 404, M_USER_DEACTIVATED 403, M_FORBIDDEN 403 for another
   *   administrator's account, M_INVALID_PARAM 400 for one's own and a time that is over
   */
  actAs(by: UserId, userId: UserId, until: number | null): Promise<string>;
  /** @throws MatrixError M_NOT_FOUND 404, M_WEAK_PASSWORD 400 */
  resetPassword(
    by: Administrator,
    userId: UserId,
    password: string,
    keepDevices: boolean,
  ): Promise<void>;
}
