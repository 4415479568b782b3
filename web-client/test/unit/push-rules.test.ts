import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Content } from "../../src/api/types.ts";
import { holds, verdictOf, type PushContext, type PushEvent } from "../../src/store/push-rules.ts";

const VECTORS = join(import.meta.dirname, "..", "..", "..", "spec", "vectors", "push-rules");

interface Case {
  name: string;
  condition: Content;
  event: PushEvent;
  context: PushContext;
  matches: boolean;
}

const { cases } = JSON.parse(readFileSync(join(VECTORS, "conditions.json"), "utf8")) as {
  cases: Case[];
};

describe("a condition of a push rule", () => {
  test.each(cases)("$name", ({ condition, event, context, matches }) => {
    expect(holds(condition, event, context)).toBe(matches);
  });
});

const event: PushEvent = {
  type: "m.room.message",
  sender: "@ann:two",
  room_id: "!room:one",
  content: { body: "cake?", msgtype: "m.text" },
};
const context: PushContext = { displayName: "Me", memberCount: 5, senderPowerLevel: 0 };
const NOTIFY = ["notify"];
const QUIET = { notify: false, highlight: false };

describe("the verdict of the rules", () => {
  test("is that of the first that applies, kind after kind", () => {
    const room = { rule_id: "!room:one", enabled: true, actions: [] };
    const sender = { rule_id: "@ann:two", enabled: true, actions: NOTIFY };
    const cake = { rule_id: "x", pattern: "cake", actions: ["notify", { set_tweak: "highlight" }] };
    const all = { rule_id: "y", conditions: [], actions: NOTIFY };
    expect(
      verdictOf({ global: { underride: [all], sender: [sender], room: [room] } }, event, context),
    ).toEqual(QUIET);
    expect(verdictOf({ global: { sender: [sender], content: [cake] } }, event, context)).toEqual({
      notify: true,
      highlight: true,
    });
    const off = { ...cake, enabled: false };
    expect(verdictOf({ global: { underride: [all], content: [off] } }, event, context)).toEqual({
      notify: true,
      highlight: false,
    });
  });

  test("is silence where there are no rules, or none that are any", () => {
    for (const rules of [undefined, {}, { global: 5 }, { global: { override: "x", room: [5] } }]) {
      expect(verdictOf(rules as Content | undefined, event, context)).toEqual(QUIET);
    }
  });
});
