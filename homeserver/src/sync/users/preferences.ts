import type { UserId } from "../../protocol/identifiers.ts";
import type { CompiledRules } from "../../protocol/push/push-rules.ts";
import type { Users } from "../../users/users.ts";

/** A user's push rules and ignore list. */
export interface UserPreferences {
  rulesOf(userId: UserId): Promise<CompiledRules>;
  ignoredBy(userId: UserId): Promise<ReadonlySet<string>>;
  /** The same from memory only; undefined when it is not cached. */
  peekRules(userId: UserId): CompiledRules | undefined;
  peekIgnored(userId: UserId): ReadonlySet<string> | undefined;
  /** Whether the user blocks all invites; nobody does when absent. */
  blocksInvites?(userId: UserId): Promise<boolean>;
}

export function preferencesOf(
  users: Pick<Users, "pushRules" | "ignores" | "invitePermissions">,
): UserPreferences {
  const { pushRules, ignores, invitePermissions } = users;
  return {
    rulesOf: async (userId) => (await pushRules.compiled([userId])).get(userId) ?? [],
    ignoredBy: ignores.of,
    peekRules: pushRules.peek,
    peekIgnored: ignores.peek,
    blocksInvites: invitePermissions.blocks,
  };
}
