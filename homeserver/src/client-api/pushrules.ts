import { route, type Route } from "../http/route.ts";
import { findRuleKind, parseRuleKind } from "../protocol/push/push-rule-edit.ts";
import type { Users } from "../users/users.ts";

export function pushrulesRoutes(deps: { users: Users }): Route[] {
  const { pushRules } = deps.users;
  return [
    // GET /_matrix/client/v3/pushrules/
    route("getPushRules", async ({ requester }) => ({
      global: await pushRules.get(requester.userId),
    })),

    // GET /_matrix/client/v3/pushrules/global/
    route("getPushRulesGlobal", ({ requester }) => pushRules.get(requester.userId)),

    // GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}
    route("getPushRule", ({ requester, params }) =>
      pushRules.rule(requester.userId, findRuleKind(params.kind), params.ruleId),
    ),

    // PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}
    route("setPushRule", ({ requester, params, query, body }) => {
      const rule = body;
      const kind = parseRuleKind(params.kind);
      return pushRules.put(requester.userId, kind, params.ruleId, rule, query);
    }),

    // DELETE /_matrix/client/v3/pushrules/global/{kind}/{ruleId}
    route("deletePushRule", ({ requester, params }) =>
      pushRules.remove(requester.userId, findRuleKind(params.kind), params.ruleId),
    ),

    // GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled
    route("isPushRuleEnabled", async ({ requester, params }) => {
      const kind = findRuleKind(params.kind);
      const { enabled } = await pushRules.rule(requester.userId, kind, params.ruleId);
      return { enabled };
    }),

    // PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled
    route("setPushRuleEnabled", ({ requester, params, body }) => {
      const kind = findRuleKind(params.kind);
      return pushRules.setEnabled(requester.userId, kind, params.ruleId, body.enabled);
    }),

    // GET /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions
    route("getPushRuleActions", async ({ requester, params }) => {
      const kind = findRuleKind(params.kind);
      const { actions } = await pushRules.rule(requester.userId, kind, params.ruleId);
      return { actions };
    }),

    // PUT /_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions
    route("setPushRuleActions", ({ requester, params, body }) => {
      const kind = findRuleKind(params.kind);
      return pushRules.setActions(requester.userId, kind, params.ruleId, body.actions);
    }),
  ];
}
