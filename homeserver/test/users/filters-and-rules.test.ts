import { describe, expect, test } from "vitest";
import { errcodeOf, id } from "./support.ts";
import { alice, t } from "./one-user.ts";

describe("filters", () => {
  test("the same filter has the same id, in whatever order its keys come", async () => {
    const { filters } = t.users;
    const first = await filters.define(alice, { room: { timeline: { limit: 5 } }, presence: {} });
    const second = await filters.define(alice, { presence: {}, room: { timeline: { limit: 5 } } });
    expect(second).toBe(first);
    expect(await filters.get(alice, first)).toEqual({
      presence: {},
      room: { timeline: { limit: 5 } },
    });
    expect((await filters.resolve(alice, first)).room.timeline.limit).toBe(5);
    expect(
      (await filters.resolve(alice, '{"room":{"timeline":{"limit":7}}}')).room.timeline.limit,
    ).toBe(7);
  });

  test("large ones are kept ready as long as they take no more than some megabytes together", async () => {
    const { filters } = t.users;
    const small = await filters.define(alice, { presence: { limit: 3 } });
    const ready = await filters.resolve(alice, small);
    expect(await filters.resolve(alice, small)).toBe(ready);
    for (let count = 0; count < 300; count++) {
      const not_senders = Array.from(
        { length: 1000 },
        (_, user) => `@${"x".repeat(50)}${user}:a${count}`,
      );
      await filters.resolve(alice, await filters.define(alice, { presence: { not_senders } }));
    }
    const again = await filters.resolve(alice, small);
    expect(again).toEqual(ready);
    expect(again).not.toBe(ready);
  });

  test("others' filters, and what is none, are not found or refused", async () => {
    const { filters } = t.users;
    const own = await filters.define(alice, { presence: { limit: 1 } });
    expect(await errcodeOf(filters.get(id("bob"), own))).toBe("M_NOT_FOUND");
    for (const wrong of ["x", "1e3", "9".repeat(30), "-1", "\0"]) {
      expect(await errcodeOf(filters.get(alice, wrong))).toBe("M_NOT_FOUND");
    }
    expect(await errcodeOf(filters.define(alice, { room: 3 }))).toBe("M_BAD_JSON");
    expect(await errcodeOf(filters.resolve(alice, "{"))).toBe("M_INVALID_PARAM");
  });
});

describe("push rules", () => {
  test("a new user has the default rules as account data", async () => {
    const stored = await t.users.accountData.get(alice, undefined, "m.push_rules");
    expect(stored["global"]).toEqual(await t.users.pushRules.get(alice));
  });

  test("a user's rules are put in order, switched and deleted", async () => {
    const { pushRules } = t.users;
    const put = (ruleId: string, place = {}) =>
      pushRules.put(alice, "content", ruleId, { actions: ["notify"], pattern: ruleId }, place);
    await put("one");
    await put("two");
    await put("three", { after: "two" });
    const order = async () => (await pushRules.get(alice)).content.map((rule) => rule.rule_id);
    expect((await order()).slice(0, 3)).toEqual(["two", "three", "one"]);
    await pushRules.setEnabled(alice, "content", "two", false);
    await pushRules.setActions(alice, "override", ".m.rule.suppress_notices", ["notify"]);
    expect(await pushRules.rule(alice, "content", "two")).toMatchObject({ enabled: false });
    expect(await pushRules.rule(alice, "override", ".m.rule.suppress_notices")).toMatchObject({
      actions: ["notify"],
    });
    await pushRules.remove(alice, "content", "two");
    expect((await order()).slice(0, 2)).toEqual(["three", "one"]);
    expect(await errcodeOf(pushRules.remove(alice, "content", "two"))).toBe("M_NOT_FOUND");
    expect(await errcodeOf(put(".mine"))).toBe("M_INVALID_PARAM");
    expect(await errcodeOf(put("x", { before: "none" }))).toBe("M_UNKNOWN");
  });

  test("compiled rules are remembered until they change", async () => {
    const { pushRules } = t.users;
    const both = [alice, id("bob")];
    const first = await pushRules.compiled(both);
    expect([...first.keys()]).toEqual(both);
    expect((await pushRules.compiled(both)).get(alice)).toBe(first.get(alice));
    await pushRules.setEnabled(alice, "override", ".m.rule.master", true);
    const second = await pushRules.compiled(both);
    expect(second.get(alice)).not.toBe(first.get(alice));
    expect(second.get(id("bob"))).toBe(first.get(id("bob")));
  });
});
