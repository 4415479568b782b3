import type { Log } from "../../log/types.ts";
import { createLoadingCache } from "../../platform/caches.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { findAccountData } from "../../storage/users/account-data.ts";
import type { Sql } from "../../storage/sql.ts";

/** Whom users ignore: m.ignored_user_list. (Client-server API, "Ignoring Users".) */
export interface Ignores {
  /** The users that a user ignores; from memory where it can. */
  of(userId: UserId): Promise<ReadonlySet<string>>;
  /** From memory alone; undefined where they are not there. */
  peek(userId: UserId): ReadonlySet<string> | undefined;
  stop(): void;
}

const TYPE = "m.ignored_user_list";
const NOBODY: ReadonlySet<string> = new Set();

export function createIgnores(deps: { sql: Sql; log: Log }): Ignores {
  const cache = createLoadingCache<UserId, ReadonlySet<string>>({
    max: 50_000,
    load: async (userId) => ignoredIn(userId, await findAccountData(deps.sql, userId, 0, TYPE)),
  });
  const unfollow = deps.log.follow({
    phase: "caches",
    kinds: ["account_data"],
    take(records) {
      for (const { userId, type } of records) if (type === TYPE) cache.delete(userId as UserId);
    },
  });

  return {
    of: async (userId) => (await cache.get(userId)) ?? NOBODY,
    peek: (userId) => cache.peek(userId),
    stop: unfollow,
  };
}

/** Nobody can ignore themselves. */
function ignoredIn(userId: UserId, content: string | undefined): ReadonlySet<string> {
  if (content === undefined) return NOBODY;
  const { ignored_users: ignored } = JSON.parse(content) as JsonObject;
  if (ignored === null || typeof ignored !== "object" || Array.isArray(ignored)) return NOBODY;
  const names = Object.keys(ignored).filter((name) => name !== userId);
  return names.length === 0 ? NOBODY : new Set(names);
}
