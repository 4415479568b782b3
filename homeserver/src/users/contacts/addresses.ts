import type { Change, Log } from "../../log/types.ts";
import type { Clock } from "../../platform/clock.ts";
import { errors, matrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import * as storage from "../../storage/contacts/addresses.ts";
import { deletePusher } from "../../storage/push/pushers.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { tooMany } from "../common/limits.ts";
import { holdOpenAccount } from "../common/open-account.ts";
import type { ConfirmedAddress, Confirmations } from "./confirmations.ts";
import { canonicalAddress } from "./email.ts";

/** Addresses that belong to accounts. (Client-server API, "Account Administrative Contact".) */
export interface Addresses {
  list(userId: UserId): Promise<storage.AddressRow[]>;
  /**
   * Adds an address that its owner has confirmed.
   * @throws MatrixError M_THREEPID_AUTH_FAILED, M_THREEPID_IN_USE (both 400),
   * M_RESOURCE_LIMIT_EXCEEDED 403
   */
  add(userId: UserId, confirmed: ConfirmedAddress): Promise<void>;
  /** The same within a transaction, in which the confirmation is used up; `purpose` is its own. */
  addWithin(
    tx: Tx,
    userId: UserId,
    confirmed: ConfirmedAddress,
    purpose: "add" | "register",
  ): Promise<void>;
  /**
   * Adds an e-mail address of a new account that somebody who is trusted says is its user's; it is in
   * its canonical form. Nothing happens if it belongs to another account.
   */
  addVerified(tx: Tx, userId: UserId, address: string): Promise<void>;
  /**
   * Gives an account these addresses instead of those that it has: somebody who is trusted says that
   * they are its user's. Answers those that it has lost.
   * @throws MatrixError M_INVALID_PARAM, M_THREEPID_IN_USE (both 400)
   */
  replaceWithin(change: Change, userId: UserId, wanted: readonly Address[]): Promise<Address[]>;
  /** Takes it from the account, and ends notifications to it. Nothing happens if it is not there. */
  remove(userId: UserId, medium: string, address: string): Promise<void>;
  /** The user who has the e-mail address, which is in its canonical form. */
  ownerOf(address: string): Promise<UserId | undefined>;
}

export interface Address {
  readonly medium: string;
  readonly address: string;
}

const MAX_ADDRESSES = 20;
/** By which pushers of the kind e-mail are known. */
export const EMAIL_APP = "m.email";

export function createAddresses(deps: {
  readonly sql: Sql;
  readonly log: Log;
  readonly clock: Clock;
  readonly confirmations: Confirmations;
}): Addresses {
  const { sql, log, clock, confirmations } = deps;

  const addWithin: Addresses["addWithin"] = async (tx, userId, confirmed, purpose) => {
    const { sid, address, confirmedTs } = confirmed;
    const row = { medium: "email", address, confirmedTs, addedTs: clock.now() };
    await confirmations.take(tx, purpose, sid);
    if (!(await storage.insertAddress(tx, userId, row))) {
      throw inUse();
    }
    if ((await storage.addressesOfUser(tx, userId)).length > MAX_ADDRESSES) {
      throw tooMany(MAX_ADDRESSES, "addresses");
    }
  };

  async function take({ tx, record }: Change, userId: UserId, one: Address): Promise<void> {
    if (!(await storage.deleteAddress(tx, userId, one.medium, one.address))) return;
    if (await deletePusher(tx, userId, EMAIL_APP, one.address)) record({ kind: "pusher", userId });
  }

  return {
    list: (userId) => storage.addressesOfUser(sql, userId),
    addWithin,

    async replaceWithin(change, userId, wanted) {
      const named = wanted.map(canonical);
      const before = await storage.addressesOfUser(change.tx, userId);
      const isSame = (a: Address) => (b: Address) =>
        a.medium === b.medium && a.address === b.address;
      const lost = before.filter((one) => !named.some(isSame(one)));
      for (const one of lost) await take(change, userId, one);
      const now = clock.now();
      for (const one of named.filter((each) => !before.some(isSame(each)))) {
        const row = { ...one, confirmedTs: now, addedTs: now };
        if (!(await storage.insertAddress(change.tx, userId, row))) throw inUse();
      }
      return lost;
    },

    async addVerified(tx, userId, address) {
      const now = clock.now();
      const row = { medium: "email", address, confirmedTs: now, addedTs: now };
      await storage.insertAddress(tx, userId, row);
    },

    async add(userId, confirmed) {
      await log.change(async ({ tx }) => {
        if ((await holdOpenAccount(tx, userId)) === undefined) throw errors.unknownToken();
        await addWithin(tx, userId, confirmed, "add");
      });
    },

    async remove(userId, medium, address) {
      const known = canonicalAddress(medium, address);
      if (known === undefined) return;
      await log.change((change) => take(change, userId, { medium, address: known }));
    },

    async ownerOf(address) {
      return (await storage.ownerOfAddress(sql, "email", address)) as UserId | undefined;
    },
  };
}

/** @throws MatrixError M_INVALID_PARAM 400 */
function canonical({ medium, address }: Address): Address {
  const known = canonicalAddress(medium, address);
  if (known === undefined) throw errors.invalidParam("An address is none that anybody can have");
  return { medium, address: known };
}

const inUse = () => matrixError("M_THREEPID_IN_USE", "That address belongs to another account");
