import type { Budget } from "../glob.ts";
import {
  compileCondition,
  eventBudget,
  eventMatch,
  type PushCondition,
  type PushContext,
  type PushEvent,
} from "./push-conditions.ts";
import {
  type PushAction,
  type PushRule,
  RULE_KINDS,
  type RuleKind,
  type Ruleset,
  THREAD_CONDITION,
} from "./push-ruleset.ts";

export { type PushContext, type PushEvent } from "./push-conditions.ts";
export {
  defaultRules,
  type PushRule,
  refreshDefaults,
  type RuleKind,
  type Ruleset,
  withThreadRules,
} from "./push-ruleset.ts";

export interface CompiledRule {
  readonly ruleId: string;
  readonly kind: RuleKind;
  readonly conditions: readonly PushCondition[];
  readonly outcome: PushOutcome;
  /** It matters whether the user follows the thread that an event is in. */
  readonly asksForThread: boolean;
}

/** Enabled rules by falling priority. */
export type CompiledRules = readonly CompiledRule[];

/** What the first rule that matches says. */
export interface PushOutcome {
  readonly notify: boolean;
  readonly highlight: boolean;
  /** The sound's name; undefined: silent. */
  readonly sound: string | undefined;
  /** The rule's actions, without the historical dont_notify and coalesce. */
  readonly actions: readonly PushAction[];
  /** Which rule; undefined when none matched. */
  readonly ruleId: string | undefined;
}

const NOTHING: PushOutcome = {
  notify: false,
  highlight: false,
  sound: undefined,
  actions: [],
  ruleId: undefined,
};

const HISTORICAL_ACTIONS = new Set<unknown>(["dont_notify", "coalesce"]);

/** Compiled rules by what they say. */
export interface SharedRules {
  get(text: string): CompiledRule | undefined;
  set(text: string, rule: CompiledRule): unknown;
}

/**
 * A ruleset ready for many events; keep it until the ruleset changes. Most users have the server's
 * rules as they are: with `shared` those are compiled, and held, once for all.
 */
export function compile(ruleset: Ruleset, shared?: SharedRules): CompiledRules {
  return RULE_KINDS.flatMap((kind) =>
    (ruleset[kind] ?? [])
      .filter((rule) => rule.enabled)
      .map((rule) => {
        if (shared === undefined || !rule.default) return compileRule(kind, rule);
        const text = `${kind}${JSON.stringify(rule)}`;
        const known = shared.get(text) ?? compileRule(kind, rule);
        shared.set(text, known);
        return known;
      }),
  );
}

function compileRule(kind: RuleKind, rule: PushRule): CompiledRule {
  return {
    ruleId: rule.rule_id,
    kind,
    conditions: conditionsOf(kind, rule),
    outcome: outcomeOf(rule),
    asksForThread: (rule.conditions ?? []).some(({ kind: of }) => of === THREAD_CONDITION),
  };
}

/** Whether `followsThread` of the context matters to the rules. */
export function asksForThread(rules: CompiledRules): boolean {
  return rules.some((rule) => rule.asksForThread);
}

/**
 * What the rules say about an event. The caller leaves out the event's own sender: nobody is
 * notified of what they sent. A budget for several events may be given: once its steps are below 0,
 * what this answered says nothing. (Client-server API, "Push Rules".)
 */
export function evaluate(
  rules: CompiledRules,
  event: PushEvent,
  context: PushContext,
  budget: Budget = eventBudget(),
): PushOutcome {
  budget.steps -= rules.length;
  for (const rule of rules) {
    if (rule.conditions.every((holds) => holds(event, context, budget))) return rule.outcome;
  }
  return NOTHING;
}

function conditionsOf(kind: RuleKind, rule: PushRule): PushCondition[] {
  switch (kind) {
    case "override":
    case "postcontent":
    case "underride":
      return (rule.conditions ?? []).map(compileCondition);
    case "content":
      return [eventMatch("content.body", rule.pattern)];
    case "room":
      return [(event) => event.roomId === rule.rule_id];
    case "sender":
      return [(event) => event.sender === rule.rule_id];
  }
}

function outcomeOf(rule: PushRule): PushOutcome {
  const actions = rule.actions.filter((action) => !HISTORICAL_ACTIONS.has(action));
  const sound = tweak(actions, "sound");
  const highlight = tweak(actions, "highlight");
  return {
    notify: actions.includes("notify"),
    highlight: highlight !== undefined && (highlight.value ?? true) === true,
    sound: typeof sound?.value === "string" ? sound.value : undefined,
    actions,
    ruleId: rule.rule_id,
  };
}

function tweak(actions: readonly PushAction[], name: string) {
  return actions.find((action) => typeof action === "object" && action.set_tweak === name) as
    | Exclude<PushAction, string>
    | undefined;
}
