/** Who may invite a user, by rules. (MSC4155.) */
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/protocol/json.ts";
import { checkInviteRules, inviteRulesOf } from "../../src/users/data/invite-rules.ts";

const verdict = (content: JsonObject, inviter: string) =>
  inviteRulesOf(content)?.(inviter) ?? "none";

describe("the first list that names the inviter says what becomes of the invite", () => {
  const everything = {
    allowed_users: ["@friend:*"],
    ignored_users: ["@pest:*", "@friend:bad.test"],
    blocked_users: ["@foe:*", "@pest:bad.test"],
    allowed_servers: ["good.test", "*.good.test"],
    ignored_servers: ["dull.test", "good.test"],
    blocked_servers: ["*"],
  };
  test.each([
    ["@friend:bad.test", "allow"],
    ["@pest:bad.test", "ignore"],
    ["@foe:good.test", "block"],
    ["@one:good.test", "allow"],
    ["@one:sub.good.test", "allow"],
    ["@one:sub.good.test:8448", "allow"],
    ["@one:dull.test:1", "ignore"],
    ["@one:elsewhere.test", "block"],
    ["@one:[::1]:8448", "block"],
  ])("%s: %s", (inviter, expected) => {
    expect(verdict(everything, inviter)).toBe(expected);
  });

  test.each<[string, JsonObject, string]>([
    ["nothing is said", {}, "none"],
    ["no list names them", { blocked_users: ["@foe:bad.test"] }, "allow"],
    ["it is switched off", { enabled: false, blocked_servers: ["*"] }, "none"],
    ["it is switched on", { enabled: true, blocked_servers: ["*"] }, "block"],
    ["a list is none", { blocked_servers: ["*"], allowed_users: "@a:b" }, "none"],
    ["a list has something else in it", { blocked_servers: ["*", 1] }, "none"],
    ["a list is null", { blocked_servers: ["*"], allowed_users: null }, "none"],
    ["a server has a port", { blocked_servers: ["host.test"] }, "block"],
    ["letters are of another case", { blocked_users: ["@USER:Host.test:*"] }, "block"],
    ["a pattern is of one character", { blocked_users: ["@use?:host.test:844?"] }, "block"],
    ["a star is in a list of servers", { blocked_servers: ["h*t.test"] }, "block"],
    ["a user's pattern does not fit all of it", { blocked_users: ["user"] }, "allow"],
  ])("where %s", (_name, content, expected) => {
    expect(verdict(content, "@user:host.test:8448")).toBe(expected);
  });
});

test("rules that take long are ended, and cost little", () => {
  const hostile = `${"*a".repeat(250)}*`;
  const content = { blocked_users: Array.from({ length: 1_000 }, () => hostile) };
  const rules = inviteRulesOf(content)!;
  const begun = process.cpuUsage();
  for (let n = 0; n < 20; n += 1) rules(`@${"a".repeat(200)}${n}:host.test`);
  const { user, system } = process.cpuUsage(begun);
  expect(user + system).toBeLessThan(2_000_000);
});

test("too many patterns are refused, and names are not patterns", () => {
  const names = Array.from({ length: 5_000 }, (_, n) => `@u${n}:host.test`);
  checkInviteRules({ blocked_users: names, blocked_servers: ["*"], allowed_users: 7 });
  expect(verdict({ blocked_users: names }, "@u4999:host.test")).toBe("block");
  const patterns = names.slice(0, 1_001).map((name) => `${name}*`);
  expect(() =>
    checkInviteRules({ blocked_users: patterns.slice(0, 500), ignored_users: patterns.slice(500) }),
  ).toThrow(expect.objectContaining({ errcode: "M_TOO_LARGE", status: 413 }));
});
