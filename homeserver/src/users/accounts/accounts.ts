import type { Clock } from "../../platform/clock.ts";
import { networkOf } from "../../platform/client-address.ts";
import type { Random } from "../../platform/random.ts";
import { errors } from "../../protocol/errors.ts";
import {
  isUserId,
  makeUserId,
  serverOf,
  strictLocalpart,
  MAX_ID_BYTES,
  type ServerName,
  type UserId,
} from "../../protocol/identifiers.ts";
import { ownerOfAddress } from "../../storage/contacts/addresses.ts";
import * as storage from "../../storage/users/accounts.ts";
import { addressesOf } from "../../storage/users/devices.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import type { Attempts, Visitor } from "./attempts.ts";
import type { Named } from "./identifier.ts";
import type { Passwords } from "./passwords.ts";
import { rateOf, restrictionOf } from "../common/restriction.ts";
import { readableCode } from "../common/secrets.ts";
import type { OwnRate, Restriction, UserHooks } from "../common/types.ts";

/** An account that can be used. */
interface Account {
  readonly userId: UserId;
  readonly isAdmin: boolean;
  /** ms since 1970. */
  readonly createdTs: number;
  readonly deactivated: boolean;
  /** What administrators keep it from. */
  readonly restriction: Restriction | undefined;
  /** Nobody gets what it sends. */
  readonly isShadowBanned: boolean;
  /** How many requests it may send; undefined: as many as others. */
  readonly rate: OwnRate | undefined;
}

/**
 * A user with a correct password, and the hash it was checked against: that may have changed since.
 */
interface ProvenUser {
  readonly userId: UserId;
  readonly passwordHash: string;
}

/** Local accounts: names and passwords. */
export interface Accounts {
  readonly serverName: ServerName;
  /** Whether a user id belongs to this server, existing or not. */
  isLocal(userId: UserId): boolean;
  /** Whether a name (a localpart or a full id, in any case, or an address) means this user. */
  isNamed(userId: UserId, name: Named): Promise<boolean>;
  /** A local account, closed ones included. */
  find(userId: UserId): Promise<Account | undefined>;
  /** Whether there is an open local account with that id. */
  exists(userId: UserId): Promise<boolean>;
  /** The same, after application services were asked to make one of theirs that is not there. */
  existsOrIsMade(userId: UserId): Promise<boolean>;
  /** Whether it is an open account that the application service of this id has opened. */
  isOfService(userId: UserId, service: string): Promise<boolean>;
  /** Whether there is a password by which the user signs in. */
  hasPassword(userId: UserId): Promise<boolean>;
  /**
   * The user id for a requested name, in lower case; a name is generated when none is requested.
   * @throws MatrixError M_INVALID_USERNAME, M_EXCLUSIVE (both 400)
   */
  nameFor(wished: string | undefined): UserId;
  /**
   * The user id for a name that an application service requests: also one of the historical
   * grammar, which other servers' users may have.
   * @throws MatrixError M_INVALID_USERNAME 400
   */
  nameForService(wished: string): UserId;
  /** @throws MatrixError M_USER_IN_USE 400 if the name is or was taken */
  ensureAvailable(userId: UserId): Promise<void>;
  /** Creates an account within a transaction. @throws MatrixError M_USER_IN_USE 400 */
  create(
    tx: Tx,
    account: {
      userId: UserId;
      passwordHash: string | null;
      isAdmin: boolean;
      /** Id of the application service that opens it. */
      appservice?: string;
      /** What kind of account it is, in administrators' words. */
      userType?: string | null;
    },
  ): Promise<void>;
  /**
   * The user with that password. `user` is a localpart or a full id, in any case, or an address.
   * Takes the same time whether or not the user exists. Failing too often causes waiting times. That an account is
   * locked is told to who knows its password.
   * @throws MatrixError M_FORBIDDEN 403, M_LIMIT_EXCEEDED 429, M_USER_LOCKED 401
   */
  checkPassword(user: Named, password: string, visitor: Visitor): Promise<ProvenUser>;
}

export function createAccounts(deps: {
  sql: Sql;
  serverName: ServerName;
  passwords: Passwords;
  attempts: Attempts;
  clock: Clock;
  random: Random;
  hooks: Pick<UserHooks, "isReserved" | "wanted">;
}): Accounts {
  const { sql, serverName, passwords, attempts, clock, random, hooks } = deps;

  const fullId = (user: string) => (user.startsWith("@") ? user : `@${user}:${serverName}`);

  /** The user id that a name means; undefined: nobody has the address. */
  async function idOf(user: Named): Promise<string | undefined> {
    if (typeof user === "string") return fullId(user);
    return ownerOfAddress(sql, user.medium, user.address);
  }

  /** The account with that name: exactly, otherwise in lower case. */
  async function findNamed(user: Named): Promise<storage.AccountRow | undefined> {
    const id = (await idOf(user)) ?? "";
    if (!isUserId(id) || serverOf(id) !== serverName) return undefined;
    const small = `@${id.slice(1, id.indexOf(":")).toLowerCase()}:${serverName}`;
    const exact = await storage.findAccount(sql, id);
    return exact ?? (small === id ? undefined : await storage.findAccount(sql, small));
  }

  async function find(userId: UserId): Promise<Account | undefined> {
    if (serverOf(userId) !== serverName) return undefined;
    const row = await storage.findAccount(sql, userId);
    if (row === undefined) return undefined;
    const { isAdmin, createdTs, deactivatedTs } = row;
    const restriction = restrictionOf({
      isLocked: row.lockedTs !== null,
      isSuspended: row.suspendedTs !== null,
    });
    const rate = rateOf(row);
    const facts = { userId, isAdmin, createdTs, deactivated: deactivatedTs !== null };
    return { ...facts, restriction, rate, isShadowBanned: row.shadowBannedTs !== null };
  }

  async function exists(userId: UserId): Promise<boolean> {
    const account = await find(userId);
    return account !== undefined && !account.deactivated;
  }

  return {
    serverName,
    isLocal: (userId) => serverOf(userId) === serverName,
    isNamed: async (userId, name) => (await idOf(name))?.toLowerCase() === userId.toLowerCase(),
    find,

    exists,

    async isOfService(userId, service) {
      const row = await storage.findAccount(sql, userId);
      return row?.appservice === service && row.deactivatedTs === null;
    },

    async existsOrIsMade(userId) {
      const account = await find(userId);
      if (account !== undefined) return !account.deactivated;
      const isOurs = serverOf(userId) === serverName;
      return isOurs && (await hooks.wanted?.(userId)) === true && exists(userId);
    },

    async hasPassword(userId) {
      const account = await storage.findAccount(sql, userId);
      return account !== undefined && account.passwordHash !== null;
    },

    nameFor(wished) {
      const localpart = wished === undefined ? readableCode(12, random) : wished.toLowerCase();
      if (!strictLocalpart(localpart)) {
        throw errors.invalidUsername("A user name has only the characters a-z, 0-9 and ._=-/+");
      }
      if (localpart.length + serverName.length + 2 > MAX_ID_BYTES) {
        throw errors.invalidUsername("That user name is too long");
      }
      const userId = makeUserId(localpart, serverName);
      if (hooks.isReserved(userId)) throw errors.exclusive("That user name is reserved");
      return userId;
    },

    nameForService(wished) {
      const userId = `@${wished}:${serverName}`;
      if (wished !== "" && !wished.includes(":") && isUserId(userId)) return userId;
      throw errors.invalidUsername("No user can have that name");
    },

    async ensureAvailable(userId) {
      if (await storage.findAccount(sql, userId)) throw errors.userInUse();
    },

    async create(tx, account) {
      const appservice = account.appservice ?? null;
      const userType = account.userType ?? null;
      const row = { ...account, appservice, userType, createdTs: clock.now() };
      const created = await storage.insertAccount(tx, row);
      if (!created) throw errors.userInUse();
    },

    async checkPassword(user, password, visitor) {
      const row = await findNamed(user);
      const check = async () => {
        const matches = await passwords.verify(row?.passwordHash, password);
        if (row === undefined || !matches || row.deactivatedTs !== null) {
          throw errors.forbidden("The user name or the password is wrong");
        }
        return { userId: row.userId as UserId, passwordHash: row.passwordHash! };
      };
      const named = typeof user === "string" ? fullId(user).toLowerCase() : user.address;
      const account = `password of ${row?.userId ?? named}`;
      const isKnownHere = async () =>
        row !== undefined && wasSeenIn(networkOf(visitor.ip), await addressesOf(sql, row.userId));
      const proven = await attempts.run(account, visitor, check, isKnownHere);
      if (row?.lockedTs != null) throw errors.userLocked();
      return proven;
    },
  };
}

function wasSeenIn(network: string, addresses: readonly string[]): boolean {
  return addresses.some((address) => networkOf(address) === network);
}
