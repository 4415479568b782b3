import { errors } from "../protocol/errors.ts";
import { parseUserId, type UserId } from "../protocol/identifiers.ts";
import type { Accounts } from "../users/accounts/accounts.ts";

/** The users of paths, where they are this server's own. */
export interface UsersInPaths {
  /** @throws MatrixError M_INVALID_PARAM 400 for a user of another server */
  local(given: string): UserId;
  /** Closed accounts included. @throws MatrixError M_INVALID_PARAM 400, M_NOT_FOUND 404 */
  known(given: string): Promise<UserId>;
  /** @throws MatrixError M_INVALID_PARAM 400, M_NOT_FOUND 404 also for a closed account */
  open(given: string): Promise<UserId>;
}

export function usersInPaths(accounts: Pick<Accounts, "isLocal" | "find">): UsersInPaths {
  function local(given: string): UserId {
    const userId = parseUserId(given);
    if (accounts.isLocal(userId)) return userId;
    throw errors.invalidParam("That user is not one of this server");
  }
  return {
    local,
    async known(given) {
      const userId = local(given);
      if (await accounts.find(userId)) return userId;
      throw errors.notFound("No such user");
    },
    async open(given) {
      const userId = local(given);
      if ((await accounts.find(userId))?.deactivated === false) return userId;
      throw errors.notFound("No such user, or the account is closed");
    },
  };
}
