import { errors, matrixError, MatrixError } from "../errors.ts";
import { isPattern, MAX_PATTERN_BYTES } from "../glob.ts";
import { isJsonObject, type Json, type JsonObject } from "../json.ts";
import {
  MASTER_RULE_ID,
  type PushAction,
  type PushRule,
  RULE_KINDS,
  type RuleKind,
  type Ruleset,
} from "./push-ruleset.ts";

/** What an action may be as a word; the last two are historical and do nothing. */
const KNOWN_ACTIONS: ReadonlySet<string> = new Set(["notify", "dont_notify", "coalesce"]);

/** Most rules of a user's own, by kind: those with patterns are tried one by one. */
const MAX_RULES: Readonly<Record<RuleKind, number>> = {
  override: 250,
  content: 250,
  postcontent: 0,
  room: 5000,
  sender: 5000,
  underride: 250,
};
const MAX_CONDITIONS = 20;
const MAX_ACTIONS = 10;

/** Where a rule goes: ids of the user's own rules of the same kind. */
export interface RulePlace {
  /** The rule becomes the next more important one to this. */
  readonly before?: string | undefined;
  /** The rule becomes the next less important one to this. */
  readonly after?: string | undefined;
}

/** The kind; throws M_INVALID_PARAM. */
export function parseRuleKind(text: string): RuleKind {
  const kind = RULE_KINDS.find((known) => known === text);
  if (kind === undefined) throw errors.invalidParam("Unknown kind of push rule");
  return kind;
}

/**
 * The kind of a rule that should be there already: of another kind there is none.
 * @throws M_NOT_FOUND 404
 */
export function findRuleKind(text: string): RuleKind {
  const kind = RULE_KINDS.find((known) => known === text);
  if (kind === undefined) throw errors.notFound("There is no such kind of push rules");
  return kind;
}

/** GET /pushrules/global/{kind}/{ruleId}: the rule; throws M_NOT_FOUND. */
export function findRule(ruleset: Ruleset, kind: RuleKind, ruleId: string): PushRule {
  const rule = ruleset[kind].find((other) => other.rule_id === ruleId);
  if (rule === undefined) throw errors.notFound("The push rule was not found");
  return rule;
}

/**
 * PUT /pushrules/global/{kind}/{ruleId}: the ruleset with the rule added (on top of the user's own
 * unless told where), or changed (in its place unless told where). Throws M_INVALID_PARAM for ids
 * of default rules or with slashes, for postcontent rules and for what is too long, M_MISSING_PARAM and M_BAD_JSON for the
 * body, M_UNKNOWN (400) when the rule named by before or after is not there,
 * M_RESOURCE_LIMIT_EXCEEDED (403) for one rule too many.
 */
export function putRule(
  ruleset: Ruleset,
  kind: RuleKind,
  ruleId: string,
  body: JsonObject,
  place: RulePlace = {},
): Ruleset {
  if (ruleId.startsWith(".")) throw errors.invalidParam("Rule ids with a leading dot are reserved");
  if (ruleId === "" || /[/\\]/.test(ruleId)) {
    throw errors.invalidParam("A rule id is not empty and has no slashes or backslashes");
  }
  if (kind === "postcontent") {
    throw errors.invalidParam("Rules of this kind are the server's own");
  }
  const rules = ruleset[kind];
  const at = rules.findIndex((rule) => rule.rule_id === ruleId);
  const enabled = at < 0 || (rules[at] as PushRule).enabled;
  const rule = { ...parseRule(kind, ruleId, body), enabled };
  if (at < 0 && rules.filter((other) => !other.default).length >= MAX_RULES[kind]) {
    throw matrixError(
      "M_RESOURCE_LIMIT_EXCEEDED",
      `A user has at most ${MAX_RULES[kind]} ${kind} rules`,
    );
  }
  const others = rules.filter((other) => other.rule_id !== ruleId);
  return { ...ruleset, [kind]: others.toSpliced(position(others, at, place), 0, rule) };
}

/**
 * DELETE /pushrules/global/{kind}/{ruleId}: without the rule; throws M_NOT_FOUND, also for
 * defaults.
 */
export function deleteRule(ruleset: Ruleset, kind: RuleKind, ruleId: string): Ruleset {
  if (findRule(ruleset, kind, ruleId).default) {
    throw errors.notFound("There is no such push rule of the user's own");
  }
  return { ...ruleset, [kind]: ruleset[kind].filter((rule) => rule.rule_id !== ruleId) };
}

/** PUT …/enabled; throws M_NOT_FOUND, M_MISSING_PARAM, M_BAD_JSON. */
export function setRuleEnabled(
  ruleset: Ruleset,
  kind: RuleKind,
  ruleId: string,
  enabled: Json | undefined,
): Ruleset {
  if (enabled === undefined) throw errors.missingParam("enabled is missing");
  if (typeof enabled !== "boolean") throw errors.badJson("enabled is not a boolean");
  return change(ruleset, kind, ruleId, { enabled });
}

/** PUT …/actions, of default rules too; throws M_NOT_FOUND, M_MISSING_PARAM, M_BAD_JSON. */
export function setRuleActions(
  ruleset: Ruleset,
  kind: RuleKind,
  ruleId: string,
  actions: Json | undefined,
): Ruleset {
  return change(ruleset, kind, ruleId, { actions: parseActions(actions) });
}

function change(
  ruleset: Ruleset,
  kind: RuleKind,
  ruleId: string,
  difference: Partial<PushRule>,
): Ruleset {
  const rule = findRule(ruleset, kind, ruleId);
  const rules = ruleset[kind].map((other) => (other === rule ? { ...rule, ...difference } : other));
  return { ...ruleset, [kind]: rules };
}

/** Where in `others` the rule goes; `at` is where it was, or -1. */
function position(others: readonly PushRule[], at: number, place: RulePlace): number {
  const relative = place.before ?? place.after;
  if (relative === undefined) {
    if (at >= 0) return at;
    return others[0]?.rule_id === MASTER_RULE_ID ? 1 : 0;
  }
  const found = others.findIndex((rule) => rule.rule_id === relative);
  if (found < 0 || (others[found] as PushRule).default) {
    throw new MatrixError(400, "M_UNKNOWN", `before/after rule not found: ${relative}`);
  }
  return place.before === undefined ? found + 1 : found;
}

function parseRule(kind: RuleKind, ruleId: string, body: JsonObject): PushRule {
  const actions = parseActions(body.actions);
  const rule: PushRule = { rule_id: ruleId, default: false, enabled: true, actions };
  if (kind === "content") {
    if (body.pattern === undefined) throw errors.missingParam("pattern is missing");
    if (typeof body.pattern !== "string") throw errors.badJson("pattern is not a string");
    rule.pattern = pattern(body.pattern, "pattern");
  }
  if (kind === "override" || kind === "underride") {
    rule.conditions = parseConditions(body.conditions ?? []);
  }
  return rule;
}

function parseActions(actions: Json | undefined): PushAction[] {
  if (actions === undefined) throw errors.missingParam("actions is missing");
  if (!Array.isArray(actions) || !actions.every(isAction)) {
    throw errors.badJson("actions is not a list of push actions");
  }
  if (actions.length > MAX_ACTIONS) {
    throw errors.invalidParam(`A rule has at most ${MAX_ACTIONS} actions`);
  }
  return actions;
}

function isAction(action: Json): action is PushAction & Json {
  if (typeof action === "string") return KNOWN_ACTIONS.has(action);
  return isJsonObject(action) && typeof action.set_tweak === "string";
}

function parseConditions(conditions: Json): JsonObject[] {
  if (!Array.isArray(conditions) || !conditions.every(isCondition)) {
    throw errors.badJson("conditions is not a list of push conditions");
  }
  if (conditions.length > MAX_CONDITIONS) {
    throw errors.invalidParam(`A rule has at most ${MAX_CONDITIONS} conditions`);
  }
  for (const condition of conditions) {
    for (const name of ["key", "pattern", "is", "value"]) {
      const text = condition[name];
      if (typeof text === "string") pattern(text, name);
    }
  }
  return conditions;
}

/** What is compared with events. @throws MatrixError M_INVALID_PARAM 400 */
function pattern(text: string, name: string): string {
  if (isPattern(text)) return text;
  throw errors.invalidParam(`${name} has at most ${MAX_PATTERN_BYTES} bytes`);
}

function isCondition(condition: Json): condition is JsonObject {
  return isJsonObject(condition) && typeof condition.kind === "string";
}
