/** Which of this server's users may be invited: those who are there, and who want to be. */
import { errors, matrixError } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";

/** What is known of local users' accounts. */
export interface LocalAccounts {
  /** An open account has that name. */
  exists(userId: UserId): Promise<boolean>;
  /** The user has said that nobody is to invite them (m.invite_permission_config). */
  blocksInvites(userId: UserId): Promise<boolean>;
}

export interface Invitees {
  /**
   * Throws M_INVALID_PARAM 400 where there is no such account, M_INVITE_BLOCKED 403 where its user
   * wants no invite.
   */
  check(userId: UserId): Promise<void>;
}

/** Without accounts everybody may be invited. */
export function createInvitees(accounts: LocalAccounts | undefined): Invitees {
  return {
    async check(userId) {
      if (accounts === undefined) return;
      if (!(await accounts.exists(userId))) {
        throw errors.invalidParam(`This server has no user ${userId}`);
      }
      if (await accounts.blocksInvites(userId)) {
        throw matrixError("M_INVITE_BLOCKED", `${userId} takes no invites`);
      }
    },
  };
}
