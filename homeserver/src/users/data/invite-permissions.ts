import type { Log } from "../../log/types.ts";
import { createLoadingCache } from "../../platform/caches.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { findAccountData } from "../../storage/users/account-data.ts";
import type { Sql } from "../../storage/sql.ts";

/**
 * Users who block all invites: m.invite_permission_config. (Client-server API, "Invite
 * permission".)
 */
export interface InvitePermissions {
  /** Whether the user's `default_action` is "block"; from memory where it can. */
  blocks(userId: UserId): Promise<boolean>;
  stop(): void;
}

const TYPE = "m.invite_permission_config";

export function createInvitePermissions(deps: { sql: Sql; log: Log }): InvitePermissions {
  const cache = createLoadingCache<UserId, { readonly blocks: boolean }>({
    max: 50_000,
    load: async (userId) => ({ blocks: isBlock(await findAccountData(deps.sql, userId, 0, TYPE)) }),
  });
  const unfollow = deps.log.follow({
    phase: "caches",
    kinds: ["account_data"],
    take(records) {
      for (const { userId, type } of records) if (type === TYPE) cache.delete(userId as UserId);
    },
  });

  return {
    blocks: async (userId) => (await cache.get(userId))?.blocks ?? false,
    stop: unfollow,
  };
}

/** Missing, malformed or unknown content blocks nobody. */
function isBlock(content: string | undefined): boolean {
  if (content === undefined) return false;
  return (JSON.parse(content) as JsonObject).default_action === "block";
}
