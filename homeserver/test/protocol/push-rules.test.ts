import { describe, expect, test } from "vitest";
import { newBudget } from "../../src/protocol/glob.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import {
  deleteRule,
  findRule,
  parseRuleKind,
  putRule,
  setRuleActions,
  setRuleEnabled,
} from "../../src/protocol/push/push-rule-edit.ts";
import {
  compile,
  defaultRules,
  evaluate,
  type PushRule,
  type PushContext,
  type PushEvent,
  refreshDefaults,
  type RuleKind,
  type Ruleset,
} from "../../src/protocol/push/push-rules.ts";
import { vectors } from "./vectors.ts";

const ME = "@me:example.org";
const NOTIFY: JsonObject = { actions: ["notify"] };

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

describe("editing", () => {
  const ids = (rules: Ruleset) => rules.content.map((rule) => rule.rule_id);
  const content = (...names: string[]) =>
    names.reduceRight(
      (rules, id) => putRule(rules, "content", id, { ...NOTIFY, pattern: id }),
      empty(),
    );

  test("adds on top, enabled, unless told where", () => {
    const rules = content("a", "b", "c");
    expect(ids(rules)).toEqual(["a", "b", "c"]);
    expect(findRule(rules, "content", "a")).toEqual({
      rule_id: "a",
      default: false,
      enabled: true,
      actions: ["notify"],
      pattern: "a",
    });
    const body = { ...NOTIFY, pattern: "x" };
    expect(ids(putRule(rules, "content", "x", body, { before: "b" }))).toEqual([
      "a",
      "x",
      "b",
      "c",
    ]);
    expect(ids(putRule(rules, "content", "x", body, { after: "b" }))).toEqual(["a", "b", "x", "c"]);
    const both = { before: "c", after: "a" };
    expect(ids(putRule(rules, "content", "x", body, both))).toEqual(["a", "b", "x", "c"]);
  });

  test("changes a rule in its place, or moves it", () => {
    const rules = setRuleEnabled(content("a", "b", "c"), "content", "b", false);
    const body = { ...NOTIFY, pattern: "new" };
    const changed = putRule(rules, "content", "b", body);
    expect(ids(changed)).toEqual(["a", "b", "c"]);
    expect(findRule(changed, "content", "b")).toMatchObject({ pattern: "new", enabled: false });
    expect(ids(putRule(rules, "content", "c", body, { before: "a" }))).toEqual(["c", "a", "b"]);
    expect(ids(putRule(rules, "content", "a", body, { after: "c" }))).toEqual(["b", "c", "a"]);
    expect(ids(rules)).toEqual(["a", "b", "c"]);
  });

  test("refuses what the specification refuses", () => {
    const put =
      (id: string, body: JsonObject, place = {}, kind: RuleKind = "content") =>
      () =>
        putRule(defaultRules(ME), kind, id, body, place);
    const body = { ...NOTIFY, pattern: "x" };
    const refused = (errcode: string, status: number) =>
      expect.objectContaining({ errcode, status });
    expect(put(".mine", body)).toThrow(refused("M_INVALID_PARAM", 400));
    expect(put("a/b", body)).toThrow(refused("M_INVALID_PARAM", 400));
    expect(put("a\\b", body)).toThrow(refused("M_INVALID_PARAM", 400));
    expect(put("", body)).toThrow(refused("M_INVALID_PARAM", 400));
    expect(put("x", body, { before: "nobody" })).toThrow(refused("M_UNKNOWN", 400));
    expect(put("x", body, { after: ".m.rule.master" }, "override")).toThrow(
      refused("M_UNKNOWN", 400),
    );
    expect(put("x", { pattern: "x" })).toThrow(refused("M_MISSING_PARAM", 400));
    expect(put("x", NOTIFY)).toThrow(refused("M_MISSING_PARAM", 400));
    expect(put("x", { ...NOTIFY, pattern: 5 })).toThrow(refused("M_BAD_JSON", 400));
    expect(put("x", { ...body, actions: "notify" })).toThrow(refused("M_BAD_JSON", 400));
    expect(put("x", { ...body, actions: ["shout"] })).toThrow(refused("M_BAD_JSON", 400));
    expect(put("x", { ...body, actions: [{ value: 1 }] })).toThrow(refused("M_BAD_JSON", 400));
    expect(put("x", { ...NOTIFY, conditions: [{}] }, {}, "override")).toThrow(
      refused("M_BAD_JSON", 400),
    );
    expect(() => parseRuleKind("overrule")).toThrow(refused("M_INVALID_PARAM", 400));
    expect(parseRuleKind("underride")).toBe("underride");
  });

  test("does not find what is not there", () => {
    const rules = defaultRules(ME);
    const missing = expect.objectContaining({ errcode: "M_NOT_FOUND", status: 404 });
    expect(() => findRule(rules, "content", "x")).toThrow(missing);
    expect(() => deleteRule(rules, "content", "x")).toThrow(missing);
    expect(() => deleteRule(rules, "override", ".m.rule.master")).toThrow(missing);
    expect(() => setRuleEnabled(rules, "room", "x", true)).toThrow(missing);
    expect(() => setRuleActions(rules, "room", "x", [])).toThrow(missing);
  });

  test("deletes, enables and gives actions, to default rules as well", () => {
    expect(ids(deleteRule(content("a", "b"), "content", "a"))).toEqual(["b"]);
    const rules = setRuleActions(defaultRules(ME), "underride", ".m.rule.message", []);
    expect(findRule(rules, "underride", ".m.rule.message").actions).toEqual([]);
    const bad = expect.objectContaining({ status: 400 });
    expect(() => setRuleEnabled(rules, "override", ".m.rule.master", "yes")).toThrow(bad);
    expect(() => setRuleEnabled(rules, "override", ".m.rule.master", undefined)).toThrow(bad);
    expect(() => setRuleActions(rules, "override", ".m.rule.master", undefined)).toThrow(bad);
  });

  test("outlives new default rules", () => {
    let stored = putRule(defaultRules(ME), "override", "mine", NOTIFY);
    stored = setRuleEnabled(stored, "override", ".m.rule.reaction", false);
    const older = {
      ...stored,
      override: stored.override.filter((rule) => rule.rule_id !== ".m.rule.suppress_edits"),
    };
    const old = { ...older.override[0]!, rule_id: ".m.rule.gone" };
    expect(refreshDefaults({ ...older, override: [...older.override, old] }, ME)).toEqual(stored);
  });
});

describe("bounds", () => {
  const long = "x".repeat(256);
  const condition = { kind: "event_match", key: "type", pattern: "m.*" };

  test.each([
    ["a pattern of 256 bytes", "content", { actions: [], pattern: long }],
    [
      "a condition's pattern of 256 bytes",
      "override",
      { actions: [], conditions: [{ ...condition, pattern: long }] },
    ],
    [
      "a condition's key of 256 bytes",
      "underride",
      { actions: [], conditions: [{ ...condition, key: long }] },
    ],
    [
      "21 conditions",
      "override",
      { actions: [], conditions: Array.from({ length: 21 }, () => condition) },
    ],
    ["11 actions", "room", { actions: Array(11).fill("notify") }],
  ] as [string, RuleKind, JsonObject][])("refuse %s", (_name, kind, body) => {
    expect(() => putRule(defaultRules(ME), kind, "mine", body)).toThrow(
      expect.objectContaining({ status: 400, errcode: "M_INVALID_PARAM" }),
    );
  });

  test("let a user have so many rules of a kind, and change those", () => {
    let rules = defaultRules(ME);
    for (let i = 0; i < 250; i++)
      rules = putRule(rules, "content", `rule ${i}`, { actions: [], pattern: "x" });
    expect(() => putRule(rules, "content", "one more", { actions: [], pattern: "x" })).toThrow(
      expect.objectContaining({ status: 403, errcode: "M_RESOURCE_LIMIT_EXCEEDED" }),
    );
    const changed = putRule(rules, "content", "rule 7", { actions: [], pattern: "y" });
    expect(changed.content.find((rule) => rule.rule_id === "rule 7")?.pattern).toBe("y");
  });

  test("hold for rules that are stored already: a long pattern matches nothing", () => {
    const rules = { ...empty(), content: [{ ...rule("old"), pattern: "x".repeat(20_000) }] };
    expect(outcome(rules, message("x".repeat(60_000))).ruleId).toBeUndefined();
  });
});

function rule(id: string): PushRule {
  return { rule_id: id, default: false, enabled: true, actions: ["notify"] };
}

function empty(): Ruleset {
  return { override: [], content: [], room: [], sender: [], underride: [] };
}

function outcome(rules: Ruleset, event: PushEvent) {
  return evaluate(compile(rules), event, { memberCount: 5, senderPowerLevel: 0 });
}

function message(body: string): PushEvent {
  return {
    roomId: "!room:example.org",
    sender: "@alice:example.org",
    type: "m.room.message",
    content: { body, msgtype: "m.text" },
  };
}

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
