import type { Log } from "../../log/types.ts";
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
  /** Takes it from the account, and ends notifications to it. Nothing happens if it is not there. */
  remove(userId: UserId, medium: string, address: string): Promise<void>;
  /** The user who has the e-mail address, which is in its canonical form. */
  ownerOf(address: string): Promise<UserId | undefined>;
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
      throw matrixError("M_THREEPID_IN_USE", "That address belongs to another account");
    }
    if ((await storage.addressesOfUser(tx, userId)).length > MAX_ADDRESSES) {
      throw tooMany(MAX_ADDRESSES, "addresses");
    }
  };

  return {
    list: (userId) => storage.addressesOfUser(sql, userId),
    addWithin,

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
      const canonical = canonicalAddress(medium, address);
      if (canonical === undefined) return;
      await log.change(async ({ tx, record }) => {
        if (!(await storage.deleteAddress(tx, userId, medium, canonical))) return;
        if (await deletePusher(tx, userId, EMAIL_APP, canonical))
          record({ kind: "pusher", userId });
      });
    },

    async ownerOf(address) {
      return (await storage.ownerOfAddress(sql, "email", address)) as UserId | undefined;
    },
  };
}
