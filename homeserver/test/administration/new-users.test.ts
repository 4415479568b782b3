/** Links by which people register, and lists of users who are made at once: over the wire. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register } from "../support/user.ts";
import { ask, done, idOf, newName, refused, root, server, signIn, userPath } from "./scene.ts";

const LINKS = "/_weft/admin/v1/invite_links";
const USERS = "/_weft/admin/v1/users";

describe("a link", () => {
  test("holds a token that is good once and for a week", async () => {
    const link = await done("POST", LINKS);
    expect(link.uses_allowed).toBe(1);
    expect(Math.abs(link.expiry_time - Date.now() - 7 * 86_400_000)).toBeLessThan(120_000);
    expect(link.url).toBe(`${server.baseUrl}/#/register?registration_token=${link.token}`);
    const token = await done("GET", `/_synapse/admin/v1/registration_tokens/${link.token}`);
    expect(token).toMatchObject({ uses_allowed: 1, completed: 0, expiry_time: link.expiry_time });
  });

  test("is good as often and as long as one says", async () => {
    const expiry_time = Date.now() + 60_000;
    expect(await done("POST", LINKS, { uses_allowed: 5, expiry_time })).toMatchObject({
      ...{ uses_allowed: 5, expiry_time },
    });
    expect(await done("POST", LINKS, { uses_allowed: null, expiry_time: null })).toMatchObject({
      ...{ uses_allowed: null, expiry_time: null },
    });
    expect(await refused("POST", LINKS, { expiry_time: 1 })).toEqual([400, "M_INVALID_PARAM"]);
    expect(await refused("POST", LINKS, { uses_allowed: 0 })).toEqual([400, "M_BAD_JSON"]);
  });
});

describe("where registration is closed", () => {
  let closed: TestServer;
  beforeAll(async () => {
    closed = await startServer({ registration: "open" });
    const admin = await register(closed, "root");
    await closed.database.sql`UPDATE accounts SET is_admin = true`;
    token = admin.token;
    closed.config.registration satisfies string;
    Object.assign(closed.config, { registration: "closed" });
  });
  afterAll(() => closed.close());
  let token: string;

  test("there are no links, which nobody could use, but lists of users", async () => {
    const answer = await ask("POST", LINKS, {}, token, closed);
    expect([answer.status, answer.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
    const { body } = await ask("POST", USERS, { users: [{ username: "one" }] }, token, closed);
    expect(body.results[0].created).toBe(true);
  });
});

describe("a list of users", () => {
  test("is made line by line, and says of each what became of it", async () => {
    const [first, second, third] = [newName("list"), newName("list"), newName("list")];
    const users = [
      { username: first, displayname: "First", email: `${first}@example.org`, admin: true },
      { username: "alice", password: "taken over" },
      { username: idOf(second), password: "Given-1", user_type: "bot" },
      { username: "not a name" },
      { username: "@x:elsewhere.test" },
      { username: third, email: `${first}@example.org` },
      { username: third, password: null },
      { username: third },
    ];
    const { results } = await done("POST", USERS, { users });
    expect(results.map((one: Body) => [one.user_id, one.created, one.errcode])).toEqual([
      [idOf(first), true, undefined],
      [idOf("alice"), false, "M_USER_IN_USE"],
      [idOf(second), true, undefined],
      [idOf("not a name"), false, "M_INVALID_USERNAME"],
      ["@x:elsewhere.test", false, "M_INVALID_PARAM"],
      [idOf(third), false, "M_THREEPID_IN_USE"],
      [idOf(third), true, undefined],
      [idOf(third), false, "M_USER_IN_USE"],
    ]);
    const made = results.map((one: Body) => typeof one.password === "string");
    expect(made).toEqual([true, false, false, false, false, false, false, false]);
    expect((await signIn(first, results[0].password)).status).toBe(200);
    expect((await signIn(second, "Given-1")).status).toBe(200);
    expect((await signIn("alice", "taken over")).status).toBe(403);
    expect(await done("GET", userPath(idOf(first)))).toMatchObject({
      ...{ displayname: "First", admin: true },
      threepids: [{ medium: "email", address: `${first}@example.org` }],
    });
    expect((await done("GET", userPath(idOf(second)))).user_type).toBe("bot");
  });

  test.each([
    ["empty", []],
    ["too long", Array.from({ length: 101 }, (_, n) => ({ username: `many${n}` }))],
    ["without names", [{ password: "x" }]],
    ["with odd types", [{ username: "odd", user_type: "cat" }]],
  ])("is refused whole if it is %s", async (_what, users) => {
    expect(await refused("POST", USERS, { users })).toEqual([400, "M_BAD_JSON"]);
    expect(await refused("GET", userPath(idOf("many0")))).toEqual([404, "M_NOT_FOUND"]);
  });

  test("is nothing that somebody else makes", async () => {
    const user = await register(server, newName());
    expect((await ask("POST", USERS, { users: [] }, user.token)).status).toBe(403);
    expect((await ask("POST", LINKS, {}, user.token)).status).toBe(403);
    expect((await ask("POST", LINKS, {}, root.token)).status).toBe(200);
  });
});
