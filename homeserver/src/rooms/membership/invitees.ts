/** Which local users may be invited: those who exist and do not block the invite. */
import type { Accounts } from "../../users/accounts/accounts.ts";
import type { InvitePermissions } from "../../users/data/invite-permissions.ts";
import { errors, matrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";

/** The accounts of local users. */
export interface LocalAccounts {
  readonly exists: Accounts["exists"];
  readonly inviteVerdict: InvitePermissions["verdict"];
}

export interface Invitees {
  /**
   * Throws M_INVALID_PARAM 400 when there is no such account, M_INVITE_BLOCKED 403 when the user
   * blocks invites of that one. One that is ignored is taken without a word.
   */
  check(userId: UserId, inviter: UserId): Promise<void>;
}

/** Without accounts every user may be invited. */
export function createInvitees(accounts: LocalAccounts | undefined): Invitees {
  return {
    async check(userId, inviter) {
      if (accounts === undefined) return;
      if (!(await accounts.exists(userId))) {
        throw errors.invalidParam(`This server has no user ${userId}`);
      }
      if ((await accounts.inviteVerdict(userId, inviter)) === "block") {
        throw matrixError("M_INVITE_BLOCKED", `${userId} takes no such invites`);
      }
    },
  };
}
