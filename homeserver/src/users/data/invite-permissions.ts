import type { Log } from "../../log/types.ts";
import { createBatchCache } from "../../platform/caches.ts";
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { findAccountDataOfTypes } from "../../storage/users/account-data.ts";
import type { Sql } from "../../storage/sql.ts";
import { serverUser } from "../common/server-user.ts";
import { type InviteRules, inviteRulesOf, type InviteVerdict } from "./invite-rules.ts";

/** Users who block all invites, or some. (Client-server API, "Invite permission"; MSC4155.) */
export interface InvitePermissions {
  /** What becomes of an invite by somebody; from memory where it can. */
  verdict(userId: UserId, inviter: string): Promise<InviteVerdict>;
  stop(): void;
}

/** Of the specification: `default_action` may be "block". */
const TYPE = "m.invite_permission_config";
/** Of the proposal: rules by user and server. */
export const INVITE_RULES = "org.matrix.msc4155.invite_permission_config";
/** Letters of the rules in memory, about. */
const LETTERS_KEPT = 50_000_000;

interface Permissions {
  readonly rules: InviteRules;
  readonly letters: number;
}

export function createInvitePermissions(deps: {
  sql: Sql;
  log: Log;
  serverName: ServerName;
}): InvitePermissions {
  const server = serverUser(deps.serverName);

  const cache = createBatchCache<UserId, Permissions>({
    maxSize: LETTERS_KEPT,
    sizeOf: ({ letters }) => letters,
    async load([userId]) {
      const texts = await findAccountDataOfTypes(deps.sql, userId!, [TYPE, INVITE_RULES]);
      return new Map([[userId!, permissionsOf(texts)]]);
    },
  });
  const unfollow = deps.log.follow({
    phase: "caches",
    kinds: ["account_data", "erasure"],
    take(records) {
      for (const record of records) {
        const { userId } = record;
        const isOther = record.kind === "account_data" && !TYPES.has(record.type);
        if (!isOther) cache.delete(userId as UserId);
      }
    },
  });

  return {
    async verdict(userId, inviter) {
      // Nobody keeps the server itself from saying something.
      if (inviter === server) return "allow";
      return (await cache.getAll([userId])).get(userId)!.rules(inviter);
    },
    stop: unfollow,
  };
}

const TYPES: ReadonlySet<string> = new Set([TYPE, INVITE_RULES]);
/** What a user without rules counts. */
const LEAST_LETTERS = 500;

/** Missing, malformed or unknown content blocks nobody. */
function permissionsOf(texts: ReadonlyMap<string, string>): Permissions {
  const all = parsed(texts.get(TYPE));
  const some = texts.get(INVITE_RULES);
  if (all.default_action === "block") return { rules: () => "block", letters: LEAST_LETTERS };
  const rules = inviteRulesOf(parsed(some)) ?? (() => "allow");
  return { rules, letters: LEAST_LETTERS + 2 * (some?.length ?? 0) };
}

const parsed = (text: string | undefined) =>
  text === undefined ? {} : (JSON.parse(text) as JsonObject);
