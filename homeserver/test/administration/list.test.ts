/** Lists of users: filters, orders, pages. Over the wire. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Body } from "../support/user.ts";
import { ask, done, encoded, idOf, newcomer, other, refused, root, userPath, v1 } from "./scene.ts";

const V2 = "/_synapse/admin/v2/users";
const V3 = "/_synapse/admin/v3/users";

/** Names of the users whom a list shows. */
async function names(path: string): Promise<string[]> {
  const { users } = await done("GET", path);
  return users.map(({ name }: Body) => name.slice(1, name.indexOf(":")));
}

const users = {
  "z.anna": { displayname: "Quince", user_type: "bot" },
  "z.ben": { displayname: "Apple", avatar_url: "mxc://a.b/2" },
  "z.closed": {},
  "z.locked": { locked: true },
  "z.suspended": { user_type: "support" },
  "z.under_score": { displayname: "100% Pear", avatar_url: "mxc://a.b/1" },
};
const ALL = Object.keys(users);
const OPEN = ALL.filter((name) => name !== "z.closed");

beforeAll(async () => {
  for (const [name, wish] of Object.entries(users)) await done("PUT", userPath(idOf(name)), wish);
  await done("POST", v1(`/deactivate/${encoded(idOf("z.closed"))}`), { erase: true });
  await done("PUT", v1(`/suspend/${encoded(idOf("z.suspended"))}`), { suspend: true });
});

describe("filters", () => {
  test.each([
    ["nothing but a name", V2, "", OPEN.filter((name) => name !== "z.locked")],
    ["locked ones, too", V2, "&locked=true", OPEN],
    ["closed ones, too", V2, "&locked=true&deactivated=true", ALL],
    ["no closed ones", V2, "&locked=true&deactivated=false", OPEN],
    ["all", V3, "&locked=true", ALL],
    ["closed ones alone", V3, "&deactivated=true", ["z.closed"]],
    ["open ones alone", V3, "&deactivated=false&locked=true", OPEN],
    ["suspended ones alone", V3, "&suspended=true", ["z.suspended"]],
    ["shadow-banned ones alone", V3, "&shadow_banned=true", []],
    ["administrators alone", V2, "&admins=true", []],
    ["no bots", V3, "&locked=true&not_user_type=bot", ALL.filter((name) => name !== "z.anna")],
    ["accounts with a type", V3, "&not_user_type=", ["z.anna", "z.suspended"]],
    ["support alone", V3, "&not_user_type=&not_user_type=bot", ["z.suspended"]],
    ["no guests, who are none", V2, "&guests=false&locked=true", OPEN],
  ])("%s", async (_what, path, query, wanted) => {
    expect(await names(`${path}?name=z.${query}`)).toEqual(wanted);
    const { total } = await done("GET", `${path}?name=z.${query}&limit=1`);
    expect(total).toBe(wanted.length);
  });

  test.each([
    ["a part of the localpart", "name=Z.AN", ["z.anna"]],
    ["a part of the display name", "name=qUIN", ["z.anna"]],
    ["letters that mean something to databases", `name=${encoded("0% p")}`, ["z.under_score"]],
    ["the same in names", "name=under_s", ["z.under_score"]],
    ["which match themselves alone", "name=under%25s", []],
    ["a part of the user id", `user_id=${encoded("z.ben:local")}`, ["z.ben"]],
    ["the name before the user id", "name=z.ben&user_id=anna", ["z.ben"]],
    ["not the server's name", "name=localhost", []],
  ])("by %s", async (_what, query, wanted) => {
    expect(await names(`${V2}?${query}`)).toEqual(wanted);
  });

  test("administrators, and all but them", async () => {
    const admins = await done("GET", `${V2}?admins=true`);
    expect(admins.users.map((user: Body) => user.name)).toEqual([other.userId, root.userId]);
    expect(admins.users[0]).toMatchObject({ admin: true, is_guest: false });
    expect(await names(`${V2}?admins=false&name=root`)).toEqual([]);
  });
});

describe("orders", () => {
  const at = `${V3}?name=z.&locked=true`;
  test.each([
    ["name", ALL],
    ["is_guest", ALL],
    ["displayname", ["z.under_score", "z.ben", "z.anna", "z.closed", "z.locked", "z.suspended"]],
    ["avatar_url", ["z.under_score", "z.ben", "z.anna", "z.closed", "z.locked", "z.suspended"]],
    ["user_type", ["z.anna", "z.suspended", "z.ben", "z.closed", "z.locked", "z.under_score"]],
    ["creation_ts", ALL],
    ["admin", ALL],
    ["shadow_banned", ALL],
    ["deactivated", [...OPEN, "z.closed"]],
    ["erased", [...OPEN, "z.closed"]],
    ["locked", [...ALL.filter((name) => name !== "z.locked"), "z.locked"]],
    ["suspended", [...ALL.filter((name) => name !== "z.suspended"), "z.suspended"]],
  ])("by %s", async (key, wanted) => {
    expect(await names(`${at}&order_by=${key}`)).toEqual(wanted);
    expect(await names(`${at}&order_by=${key}&dir=f`)).toEqual(wanted);
    const backwards = await names(`${at}&order_by=${key}&dir=b`);
    expect(backwards.toSorted()).toEqual(ALL);
    if (key === "name") expect(backwards).toEqual(ALL.toReversed());
    if (key === "locked") expect(backwards[0]).toBe("z.locked");
  });

  test("by when they were last seen, also on devices that are gone", async () => {
    const [first, second, never] = [
      await newcomer("seen"),
      await newcomer("seen"),
      await newcomer("seen"),
    ];
    await first.call("GET", "/account/whoami");
    await first.call("POST", "/logout");
    await second.call("GET", "/account/whoami");
    const list = await done("GET", `${V3}?name=seen&order_by=last_seen_ts&limit=10`);
    expect(list.users.map(({ name }: Body) => name)).toEqual([
      ...[first.userId, second.userId, never.userId],
    ]);
    const [one, two, three] = list.users.map((user: Body) => user.last_seen_ts);
    expect(one).toBeGreaterThan(Date.now() - 600_000);
    expect(one).toBeLessThanOrEqual(two);
    expect(three).toBeNull();
  });
});

test("pages", async () => {
  const at = `${V3}?name=z.&locked=true&limit=4`;
  const first = await done("GET", at);
  expect(first).toMatchObject({ total: 6, next_token: "4" });
  const second = await done("GET", `${at}&from=${first.next_token}`);
  expect(second).not.toHaveProperty("next_token");
  const all = [...first.users, ...second.users].map(({ name }: Body) => name);
  expect(all).toEqual(ALL.map(idOf));
  expect(await done("GET", `${at}&from=100`)).toEqual({ users: [], total: 6 });
  const whole = await done("GET", `${V3}?name=z.&locked=true&limit=9007199254740991`);
  expect(whole.users).toHaveLength(6);
});

test("times are in milliseconds, and a user in the list is one by themselves", async () => {
  const [user] = (await done("GET", `${V3}?name=z.anna`)).users;
  expect(Math.abs(user.creation_ts - Date.now())).toBeLessThan(3_600_000);
  const alone = await done("GET", userPath(user.name));
  expect(alone).toMatchObject({ ...user, creation_ts: Math.floor(user.creation_ts / 1000) });
});

test.each([
  ["limit=0"],
  ["limit=-1"],
  ["limit=some"],
  ["from=-1"],
  ["order_by=password_hash"],
  ["dir=sideways"],
  ["admins=perhaps"],
  ["not_user_type=cat"],
])("refuses ?%s", async (query) => {
  expect(await refused("GET", `${V2}?${query}`)).toEqual([400, "M_INVALID_PARAM"]);
});

test("somebody who is no administrator learns nothing", async () => {
  const user = await newcomer();
  for (const path of [V2, V3, userPath(root.userId)]) {
    expect((await ask("GET", path, undefined, user.token)).body.errcode).toBe("M_FORBIDDEN");
  }
});
