import type { UserId } from "../../protocol/identifiers.ts";
import type { CompiledRules } from "../../protocol/push/push-rules.ts";
import type { Ignores } from "../../users/data/ignores.ts";
import type { InvitePermissions } from "../../users/data/invite-permissions.ts";
import type { PushRules } from "../../users/data/push-rules.ts";
import type { Users } from "../../users/users.ts";

/** A user's push rules and ignore list. */
export interface UserPreferences {
  rulesOf(userId: UserId): Promise<CompiledRules>;
  readonly peekRules: PushRules["peek"];
  readonly ignoredBy: Ignores["of"];
  readonly peekIgnored: Ignores["peek"];
  /** Absent: nobody blocks invites. */
  readonly inviteVerdict?: InvitePermissions["verdict"];
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
    inviteVerdict: invitePermissions.verdict,
  };
}

/** Whether an invite is shown to the user: not those of whom they ignore, and what rules hide. */
export async function isWantedInvite(
  { inviteVerdict }: Pick<UserPreferences, "inviteVerdict">,
  reader: { readonly userId: UserId; readonly ignored: ReadonlySet<string> },
  inviter: string,
): Promise<boolean> {
  if (reader.ignored.has(inviter)) return false;
  return ((await inviteVerdict?.(reader.userId, inviter)) ?? "allow") === "allow";
}
