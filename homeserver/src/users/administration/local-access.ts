import type { Clock } from "../../platform/clock.ts";
import { isUserId, makeUserId, type UserId } from "../../protocol/identifiers.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { Acting } from "../sessions/acting.ts";
import type { UserAdministration } from "./types.ts";

/** A token for whoever may read the server's data folder. */
export interface LocalToken {
  readonly userId: UserId;
  readonly token: string;
  /** ms since 1970. */
  readonly expiresTs: number;
}

/**
 * A token for the command line on the server's own machine, as an administrator: the named one, or the
 * only one.
 * @throws Error whose message says who there is
 */
export type LocalAccess = (as: string | undefined, minutes: number) => Promise<LocalToken>;

const MINUTE_MS = 60_000;
const MAX_MINUTES = 24 * 60;
const SHOWN = 10;

export function createLocalAccess(deps: {
  readonly accounts: Pick<Accounts, "serverName" | "find">;
  readonly administration: Pick<UserAdministration, "list">;
  readonly acting: Pick<Acting, "issue">;
  readonly clock: Pick<Clock, "now">;
}): LocalAccess {
  const { accounts, administration, acting, clock } = deps;

  async function theOnlyOne(): Promise<UserId> {
    const { users, total } = await administration.list(
      { isAdmin: true, isDeactivated: false, isLocked: false, isSuspended: false, notTypes: [] },
      { from: 0, limit: SHOWN, orderBy: "name", backwards: false },
    );
    if (users.length === 0) {
      throw new Error("there is no administrator: make one with weft create-user --admin");
    }
    if (total === 1) return users[0]!.userId as UserId;
    const names = users.map(({ userId }) => userId).join(", ");
    throw new Error(`there are ${total} administrators: say as whom with --as, such as ${names}`);
  }

  async function named(as: string): Promise<UserId> {
    const userId = as.startsWith("@") ? as : makeUserId(as, accounts.serverName);
    const account = isUserId(userId) ? await accounts.find(userId) : undefined;
    const may = account?.isAdmin === true && !account.deactivated;
    if (may && account.restriction === undefined) return account.userId;
    throw new Error(`${as} is no administrator of this server`);
  }

  return async (as, minutes) => {
    if (!(minutes >= 1 && minutes <= MAX_MINUTES)) {
      throw new Error(`a token is good for 1 to ${MAX_MINUTES} minutes`);
    }
    const userId = as === undefined ? await theOnlyOne() : await named(as);
    const expiresTs = clock.now() + Math.floor(minutes * MINUTE_MS);
    return { userId, token: await acting.issue(userId, { issuedTo: null, expiresTs }), expiresTs };
  };
}
