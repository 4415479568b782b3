import type { Log } from "../../log/types.ts";
import { atMost, createLoadingCache, LRUCache } from "../../platform/caches.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";
import {
  deleteRule,
  findRule,
  putRule,
  setRuleActions,
  setRuleEnabled,
  type RulePlace,
} from "../../protocol/push/push-rule-edit.ts";
import {
  compile,
  defaultRules,
  refreshDefaults,
  withThreadRules,
  type CompiledRule,
  type CompiledRules,
  type PushRule,
  type RuleKind,
  type Ruleset,
} from "../../protocol/push/push-rules.ts";
import { findAccountDataOfUsers } from "../../storage/users/account-data.ts";
import type { Sql } from "../../storage/sql.ts";
import type { AccountData } from "./account-data.ts";
import { plainText } from "../common/text.ts";

/**
 * Users' push rules: kept as their m.push_rules account data. (Client-server API, "Push Rules".)
 */
export interface PushRules {
  /** The whole set: the user's own rules and the server's default ones. */
  get(userId: UserId): Promise<Ruleset>;
  /** @throws MatrixError M_NOT_FOUND 404 */
  rule(userId: UserId, kind: RuleKind, ruleId: string): Promise<PushRule>;
  /**
   * Adds a rule of the user's own, or changes it. (PUT /pushrules/global/{kind}/{ruleId})
   * @throws MatrixError M_INVALID_PARAM, M_MISSING_PARAM, M_BAD_JSON, M_UNKNOWN (all 400)
   */
  put(
    userId: UserId,
    kind: RuleKind,
    ruleId: string,
    rule: JsonObject,
    place: RulePlace,
  ): Promise<void>;
  /** @throws MatrixError M_NOT_FOUND 404, also for a default rule */
  remove(userId: UserId, kind: RuleKind, ruleId: string): Promise<void>;
  /** Switches any rule on or off. @throws MatrixError M_NOT_FOUND 404, M_BAD_JSON 400 */
  setEnabled(userId: UserId, kind: RuleKind, ruleId: string, enabled: Json): Promise<void>;
  /** Gives any rule other actions. @throws MatrixError M_NOT_FOUND 404, M_BAD_JSON 400 */
  setActions(userId: UserId, kind: RuleKind, ruleId: string, actions: Json): Promise<void>;
  /** Switches the server's rules on threads on. (MSC4306.) */
  switchOnThreads(userId: UserId): Promise<void>;
  /** Stores the default rules of a new user, so that every client's first sync has them. */
  initialise(userId: UserId): Promise<void>;
  /** Rules of many users ready for evaluation: from memory, the others by one query. */
  compiled(userIds: readonly UserId[]): Promise<Map<UserId, CompiledRules>>;
  /** A user's rules ready for evaluation, from memory alone; undefined where they are not there. */
  peek(userId: UserId): CompiledRules | undefined;
  stop(): void;
}

const TYPE = "m.push_rules";

export function createPushRules(deps: { sql: Sql; log: Log; accountData: AccountData }): PushRules {
  const { sql, log, accountData } = deps;
  /** Rules that name their user come and go; those that all have are asked for all the time. */
  const shared = new LRUCache<string, CompiledRule>(atMost(1_000));
  const cache = createLoadingCache<UserId, CompiledRules>({
    max: 20_000,
    load: async (userId) => compile(await get(userId), shared),
  });
  const unfollow = log.follow({
    phase: "caches",
    kinds: ["account_data"],
    take(records) {
      for (const { userId, type } of records) if (type === TYPE) cache.delete(userId as UserId);
    },
  });

  async function get(userId: UserId): Promise<Ruleset> {
    const stored = await accountData.find(userId, undefined, TYPE);
    return withDefaults(userId, stored);
  }

  async function change(userId: UserId, apply: (rules: Ruleset) => Ruleset): Promise<void> {
    await accountData.update(userId, undefined, TYPE, (before) => ({
      global: apply(withDefaults(userId, before)) as unknown as JsonObject,
    }));
    cache.delete(userId);
  }

  return {
    get,

    rule: async (userId, kind, ruleId) => findRule(await get(userId), kind, ruleId),
    put: (userId, kind, ruleId, rule, place) =>
      change(userId, (rules) => putRule(rules, kind, checkId(ruleId), rule, place)),
    remove: (userId, kind, ruleId) => change(userId, (rules) => deleteRule(rules, kind, ruleId)),
    setEnabled: (userId, kind, ruleId, enabled) =>
      change(userId, (rules) => setRuleEnabled(rules, kind, ruleId, enabled)),
    setActions: (userId, kind, ruleId, actions) =>
      change(userId, (rules) => setRuleActions(rules, kind, ruleId, actions)),
    switchOnThreads: (userId) => change(userId, withThreadRules),
    initialise: (userId) => change(userId, (rules) => rules),

    async compiled(userIds) {
      const found = new Map<UserId, CompiledRules>();
      const missing: UserId[] = [];
      for (const userId of userIds) {
        const known = cache.peek(userId);
        if (known) found.set(userId, known);
        else missing.push(userId);
      }
      if (missing.length === 1) found.set(missing[0]!, (await cache.get(missing[0]!))!);
      if (missing.length <= 1) return found;
      const position = log.position;
      const stored = await findAccountDataOfUsers(sql, missing, TYPE);
      for (const userId of missing) {
        const text = stored.get(userId);
        const content = text === undefined ? undefined : (JSON.parse(text) as JsonObject);
        const rules = compile(withDefaults(userId, content), shared);
        found.set(userId, rules);
        // The log may have brought a change of these rules since: then they are not cached.
        if (log.position === position) cache.set(userId, rules);
      }
      return found;
    },

    peek: (userId) => cache.peek(userId),
    stop: unfollow,
  };
}

/**
 * The stored rules with the server's current defaults, some of which the user may have switched or
 * changed.
 */
function withDefaults(userId: UserId, stored: JsonObject | undefined): Ruleset {
  if (stored === undefined) return defaultRules(userId);
  return refreshDefaults((stored["global"] ?? {}) as unknown as Ruleset, userId);
}

function checkId(ruleId: string): string {
  return plainText(ruleId, "The rule id", 1024);
}
