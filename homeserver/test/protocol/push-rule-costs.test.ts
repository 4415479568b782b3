import { describe, expect, test } from "vitest";
import { newBudget } from "../../src/protocol/glob.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import {
  compile,
  defaultRules,
  evaluate,
  type PushContext,
  type PushEvent,
} from "../../src/protocol/push/push-rules.ts";
import { ME } from "./push-events.ts";

describe("what rules cost", () => {
  const CONTEXT: PushContext = { memberCount: 3, senderPowerLevel: 0 };
  const event = (content: JsonObject): PushEvent => ({
    roomId: "!r:example.org",
    type: "m.room.message",
    sender: "@other:example.org",
    content,
  });
  /** Steps of an evaluation of one rule with these conditions. */
  const cost = (conditions: JsonObject[], content: JsonObject): number => {
    const rules = defaultRules(ME);
    for (const list of Object.values(rules)) list.length = 0;
    rules.override.push({ rule_id: "r", default: false, enabled: true, actions: [], conditions });
    const budget = newBudget(Number.MAX_SAFE_INTEGER);
    evaluate(compile(rules), event(content), CONTEXT, budget);
    return Number.MAX_SAFE_INTEGER - budget.steps;
  };
  const matches = (key: string, pattern: string) => ({ kind: "event_match", key, pattern });

  test("grows with what has to be folded to lower case, again where texts are looked at in turn", () => {
    const content = { a: "É".repeat(20_000), b: "È".repeat(20_000) };
    const inTurn = Array.from({ length: 20 }, (_, at) => matches(`content.${"ab"[at % 2]!}`, "*"));
    expect(cost(inTurn, content)).toBeGreaterThanOrEqual(400_000);
    // One text is folded once.
    expect(
      cost(
        inTurn.filter((_, at) => at % 2 === 0),
        content,
      ),
    ).toBeLessThan(50_000);
  });

  test("is nothing to speak of where a text is too long for the pattern", () => {
    const key = "content.a";
    expect(cost([matches(key, "éé")], { a: "É".repeat(60_000) })).toBeLessThan(100);
    expect(cost([matches(key, "éé")], { a: "ÉÉ" })).toBeLessThan(100);
  });

  test("grows with the lists that are looked through", () => {
    const conditions = Array.from({ length: 20 }, () => ({
      kind: "event_property_contains",
      key: "content.a",
      value: 1,
    }));
    expect(
      cost(conditions, { a: [...Array.from({ length: 20_000 }, () => 0), 1] }),
    ).toBeGreaterThan(400_000);
  });

  test("grows with the rules, so that a budget for many events ends", () => {
    const rules = compile(defaultRules(ME));
    const budget = newBudget(1_000);
    for (let count = 0; count < 200; count++)
      evaluate(rules, event({ body: "x" }), CONTEXT, budget);
    expect(budget.steps).toBeLessThan(0);
  });

  test("ends with the budget of an event, and nothing matches beyond it", () => {
    const content = { a: "É".repeat(30_000), b: "È".repeat(30_000), c: "x" };
    const rules = defaultRules(ME);
    for (const list of Object.values(rules)) list.length = 0;
    for (let count = 0; count < 250; count++) {
      const conditions = Array.from({ length: 20 }, (_, at) =>
        matches(`content.${"ab"[at % 2]!}`, at === 19 ? "no*such" : "*"),
      );
      const rule_id = `r${count}`;
      rules.override.push({ rule_id, default: false, enabled: true, actions: [], conditions });
    }
    const last = { rule_id: "last", default: false, enabled: true, actions: ["notify"] };
    rules.underride.push({ ...last, conditions: [matches("content.a", "*é*")] });
    rules.underride.push({ ...last, rule_id: "cheap", conditions: [matches("content.c", "X")] });
    expect(evaluate(compile(rules), event(content), CONTEXT).ruleId).toBe("cheap");
  });
});
