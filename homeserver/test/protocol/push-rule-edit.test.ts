import { describe, expect, test } from "vitest";
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
  defaultRules,
  refreshDefaults,
  type RuleKind,
  type Ruleset,
} from "../../src/protocol/push/push-rules.ts";
import { ME, NOTIFY, empty, message, outcome, rule } from "./push-events.ts";

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
