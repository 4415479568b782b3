/** Locking and suspending accounts, and seeing whether they are: over the wire. */
import { describe, expect, test } from "vitest";
import { register } from "../support/user.ts";
import {
  server,
  root,
  other,
  alice,
  bob,
  ask,
  identifier,
  DONE,
  pathOf,
  look,
  set,
  whoami,
} from "./one-server.ts";

describe.each(["lock", "suspend"] as const)("PUT and GET /admin/%s", (kind) => {
  const done = DONE[kind];

  test("set it and tell of it, as often as one asks", async () => {
    expect(await look(kind, alice.userId)).toEqual({ status: 200, body: { [done]: false } });
    for (const value of [true, true, false, false]) {
      expect(await set(kind, alice.userId, value)).toEqual({
        status: 200,
        body: { [done]: value },
      });
      expect(await look(kind, alice.userId)).toEqual({ status: 200, body: { [done]: value } });
    }
    expect(await whoami(alice)).toMatchObject({ status: 200 });
  });

  test.each([
    ["of another server", "@x:elsewhere.test", 400, "M_INVALID_PARAM"],
    ["that is none", "alice", 400, "M_INVALID_PARAM"],
    ["who is not there", "@nobody:{server}", 404, "M_NOT_FOUND"],
    ["whose account is closed", "@closed:{server}", 404, "M_NOT_FOUND"],
    ["who is another administrator", "@other:{server}", 403, "M_FORBIDDEN"],
  ])("refuse a user %s", async (_who, given, status, errcode) => {
    const userId = given.replace("{server}", server.name);
    if (given.startsWith("@closed")) await closeAccount("closed");
    for (const answer of [await look(kind, userId), await set(kind, userId)]) {
      expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
    }
    expect(await whoami(other)).toMatchObject({ status: 200 });
  });

  test("let nobody lock themselves out, but see that they are not", async () => {
    const answer = await set(kind, root.userId);
    expect([answer.status, answer.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
    expect(await look(kind, root.userId)).toEqual({ status: 200, body: { [done]: false } });
  });

  test("tell who is no administrator nothing, not even who is there", async () => {
    const ids = [alice.userId, bob.userId, root.userId];
    for (const userId of [...ids, `@nobody:${server.name}`, "@x:elsewhere.test"]) {
      for (const answer of [
        await look(kind, userId, alice),
        await set(kind, userId, true, alice),
        await set(kind, userId, false, alice),
      ]) {
        expect([answer.status, answer.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
      }
    }
    expect(await look(kind, bob.userId)).toEqual({ status: 200, body: { [done]: false } });
    expect(await ask("PUT", pathOf(kind, bob.userId), { [done]: true })).toMatchObject({
      status: 401,
      body: { errcode: "M_MISSING_TOKEN" },
    });
  });

  test.each<[unknown, string]>([
    [{}, "M_MISSING_PARAM"],
    [{ [done]: "yes" }, "M_BAD_JSON"],
    [[true], "M_BAD_JSON"],
  ])("refuse the body %j", async (body, errcode) => {
    const answer = await ask("PUT", pathOf(kind, alice.userId), body, root.token);
    expect([answer.status, answer.body.errcode]).toEqual([400, errcode]);
    expect(await look(kind, alice.userId)).toEqual({ status: 200, body: { [done]: false } });
  });
});

async function closeAccount(name: string): Promise<void> {
  const user = await register(server, name).catch(() => undefined);
  if (user?.token === undefined) return;
  const auth = { type: "m.login.password", identifier: identifier(user) };
  const password = `${name}-Secret-1`;
  await user.call("POST", "/account/deactivate", { auth: { ...auth, password } });
}

test("administrators are told that they can, others nothing", async () => {
  const { capabilities } = await root.call("GET", "/capabilities");
  expect(capabilities["m.account_moderation"]).toEqual({ lock: true, suspend: true });
  expect((await alice.call("GET", "/capabilities")).capabilities).not.toHaveProperty([
    "m.account_moderation",
  ]);
});
