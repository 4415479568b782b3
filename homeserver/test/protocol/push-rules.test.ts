import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/protocol/json.ts";
import { putRule, setRuleActions, setRuleEnabled } from "../../src/protocol/push/push-rule-edit.ts";
import {
  compile,
  type CompiledRule,
  type CompiledRules,
  defaultRules,
  evaluate,
  type PushContext,
  type PushEvent,
  type RuleKind,
} from "../../src/protocol/push/push-rules.ts";
import { vectors } from "./vectors.ts";
import { ME, NOTIFY, empty, message, outcome } from "./push-events.ts";

interface ClientEvent {
  event_id: string;
  room_id: string;
  type: string;
  sender: string;
  state_key?: string;
  content: JsonObject;
}

describe("the default rules", () => {
  interface Vector {
    event: ClientEvent;
    context: PushContext;
    expect: { rule: string | null; notify: boolean; highlight: boolean; sound: string | null };
  }
  const rules = compile(defaultRules(ME));
  test.each(vectors<Vector>("push-rules/defaults").cases)("$name", (vector) => {
    const outcome = evaluate(rules, pushEvent(vector.event), vector.context);
    expect({
      rule: outcome.ruleId ?? null,
      notify: outcome.notify,
      highlight: outcome.highlight,
      sound: outcome.sound ?? null,
    }).toEqual(vector.expect);
  });

  test("are compiled once for all who have them as they are", () => {
    const shared = new Map<string, CompiledRule>();
    const first = compile(defaultRules(ME), shared);
    const second = compile(defaultRules("@other:here.test"), shared);
    const own = second.filter((rule) => !first.includes(rule)).map(({ ruleId }) => ruleId);
    expect(own).toEqual([".m.rule.invite_for_me", ".m.rule.is_user_mention"]);
    // Shared or not, they say the same; and who changes one has it for themselves.
    const asJson = (all: CompiledRules) => JSON.stringify(all);
    expect(asJson(first)).toBe(asJson(rules));
    const silent = setRuleActions(defaultRules(ME), "underride", ".m.rule.message", []);
    const changed = compile(silent, shared).find(({ ruleId }) => ruleId === ".m.rule.message");
    expect(changed?.outcome.notify).toBe(false);
    expect(first.find(({ ruleId }) => ruleId === ".m.rule.message")?.outcome.notify).toBe(true);
  });

  test("stand in the order that the specification gives them", () => {
    const { override, content, room, sender, underride } = defaultRules(ME);
    expect(override.map((rule) => rule.rule_id)).toEqual([
      ".m.rule.master",
      ".m.rule.suppress_notices",
      ".m.rule.invite_for_me",
      ".m.rule.member_event",
      ".m.rule.is_user_mention",
      ".m.rule.is_room_mention",
      ".m.rule.tombstone",
      ".m.rule.reaction",
      ".m.rule.room.server_acl",
      ".m.rule.suppress_edits",
    ]);
    expect(underride.map((rule) => rule.rule_id)).toEqual([
      ".m.rule.call",
      ".m.rule.encrypted_room_one_to_one",
      ".m.rule.room_one_to_one",
      ".m.rule.message",
      ".m.rule.encrypted",
    ]);
    expect([...content, ...room, ...sender]).toEqual([]);
    const all = [...override, ...underride];
    expect(all.filter((rule) => !rule.enabled).map((rule) => rule.rule_id)).toEqual([
      ".m.rule.master",
    ]);
    expect(all.every((rule) => rule.default)).toBe(true);
  });

  test("are silent altogether once the master rule is on", () => {
    const rules = setRuleEnabled(defaultRules(ME), "override", ".m.rule.master", true);
    expect(outcome(rules, message("hi")).notify).toBe(false);
  });
});

describe("a condition", () => {
  interface Vector {
    condition: JsonObject;
    event: ClientEvent;
    context: PushContext;
    matches: boolean;
  }
  test.each(vectors<Vector>("push-rules/conditions").cases)("$name", (vector) => {
    const rules = putRule(empty(), "override", "x", NOTIFY);
    const [rule] = rules.override;
    const compiled = compile({
      ...rules,
      override: [{ ...rule!, conditions: [vector.condition] }],
    });
    const { notify } = evaluate(compiled, pushEvent(vector.event), vector.context);
    expect(notify).toBe(vector.matches);
  });
});

describe("a user's own rules", () => {
  test("are tried by kind: override, content, room, sender, underride", () => {
    const kinds: [RuleKind, string, JsonObject][] = [
      ["underride", "u", NOTIFY],
      ["sender", "@alice:example.org", NOTIFY],
      ["room", "!room:example.org", NOTIFY],
      ["content", "c", { ...NOTIFY, pattern: "tea" }],
      ["override", "o", NOTIFY],
    ];
    let rules = empty();
    for (const [kind, id, body] of kinds) {
      rules = putRule(rules, kind, id, body);
      expect(outcome(rules, message("time for tea")).ruleId).toBe(id);
    }
    rules = setRuleEnabled(rules, "override", "o", false);
    expect(outcome(rules, message("time for tea")).ruleId).toBe("c");
    expect(outcome(rules, message("time for coffee")).ruleId).toBe("!room:example.org");
  });

  test("come before the default rules of their kind, but after the master rule", () => {
    const rules = putRule(defaultRules(ME), "override", "mine", NOTIFY);
    expect(rules.override.slice(0, 3).map((rule) => rule.rule_id)).toEqual([
      ".m.rule.master",
      "mine",
      ".m.rule.suppress_notices",
    ]);
  });

  test("take historical actions as none", () => {
    const rules = putRule(empty(), "override", "x", { actions: ["dont_notify", "coalesce"] });
    expect(outcome(rules, message("x"))).toMatchObject({ notify: false, actions: [], ruleId: "x" });
  });

  test("highlight when the tweak has no value, and not when it is false", () => {
    const highlights = (value: JsonObject) =>
      outcome(
        putRule(empty(), "override", "x", {
          actions: ["notify", { set_tweak: "highlight", ...value }],
        }),
        message("x"),
      ).highlight;
    expect(highlights({})).toBe(true);
    expect(highlights({ value: true })).toBe(true);
    expect(highlights({ value: false })).toBe(false);
  });
});

function pushEvent(event: ClientEvent): PushEvent {
  return {
    eventId: event.event_id,
    roomId: event.room_id,
    type: event.type,
    sender: event.sender,
    stateKey: event.state_key,
    content: event.content,
  };
}
