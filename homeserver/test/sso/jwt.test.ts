/** Signing in with a token that another service has signed. */
import { createSecretKey, generateKeyPairSync } from "node:crypto";
import { SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openApi, type TestApi } from "../client-api/support.ts";
import { id, START } from "../users/support.ts";

let t: TestApi;
const key = createSecretKey("a secret of thirty-two letters, or more", "utf8");

beforeAll(async () => {
  t = await openApi({
    jwt: {
      ...{
        key,
        algorithms: ["HS256"],
        issuer: "https://portal.test",
        audiences: ["weft", "other"],
      },
      ...{ localpartClaim: "sub", opensAccounts: true, requiresExpiry: true },
    },
  });
});
afterAll(() => t.close());

const now = START / 1000;
const token = (claims: object = {}, by: Parameters<SignJWT["sign"]>[0] = key, alg = "HS256") =>
  new SignJWT({ iss: "https://portal.test", aud: "weft", sub: "anna", exp: now + 60, ...claims })
    .setProtectedHeader({ alg })
    .sign(by);
const login = async (given: unknown, more: object = {}) =>
  await t.call("POST", "login", { type: "org.matrix.login.jwt", token: await given, ...more });

test("is offered where it is set up", async () => {
  const { body } = await t.call("GET", "login");
  expect(body.flows).toContainEqual({ type: "org.matrix.login.jwt" });
});

test("opens an account at first, and signs in to it then", async () => {
  const first = await login(token({ sub: "Anna" }), { device_id: "ONE", refresh_token: true });
  expect(first.body).toMatchObject({ user_id: id("anna"), device_id: "ONE" });
  expect(first.body.refresh_token).toMatch(/^weft_r_/);
  expect((await login(token())).body.user_id).toBe(id("anna"));
  await t.register("bert");
  expect((await login(token({ sub: "bert" }))).body.user_id).toBe(id("bert"));
});

test("two at once open one account", async () => {
  const both = await Promise.all([login(token({ sub: "twin" })), login(token({ sub: "twin" }))]);
  expect(both.map(({ body }) => body.user_id)).toEqual([id("twin"), id("twin")]);
});

const other = createSecretKey("another secret of thirty-two letters", "utf8");
const { privateKey } = generateKeyPairSync("ed25519");
test.each<[string, () => unknown]>([
  ["of another issuer", () => token({ iss: "https://evil.test" })],
  ["for another audience", () => token({ aud: "x" })],
  ["that is too old", () => token({ exp: now - 60 })],
  ["that is not good yet", () => token({ nbf: now + 60 })],
  ["that never ends", () => token({ exp: undefined })],
  ["that says nobody", () => token({ sub: undefined })],
  ["that says something else", () => token({ sub: 7 })],
  ["of another key", () => token({}, other)],
  ["by another algorithm", () => token({}, privateKey, "EdDSA")],
  ["by another algorithm of its key", () => token({}, key, "HS512")],
  ["without a signature", () => new UnsecuredJWT({ sub: "anna", exp: now + 60 }).encode()],
  ["that is none", () => "x.y.z"],
  ["that is long", () => "x".repeat(20_000)],
])("a token %s is refused", async (_what, make) => {
  const { status, body } = await login(make());
  expect([status, body.errcode]).toEqual([403, "M_FORBIDDEN"]);
});

test("what is no token, or no name, is said to be so", async () => {
  expect((await login(undefined)).body.errcode).toBe("M_MISSING_PARAM");
  expect((await login(token({ sub: "no name!" }))).body.errcode).toBe("M_INVALID_USERNAME");
  expect((await login(token({ sub: "bridge_x" }))).body.errcode).toBe("M_EXCLUSIVE");
});

test("locked and closed accounts stay out", async () => {
  await login(token({ sub: "carl" }));
  await t.sql`UPDATE accounts SET locked_ts = 1 WHERE user_id = ${id("carl")}`;
  expect((await login(token({ sub: "carl" }))).body.errcode).toBe("M_USER_LOCKED");
  await login(token({ sub: "dora" }));
  await t.users.deactivation.deactivate(id("dora"), false);
  expect((await login(token({ sub: "dora" }))).body.errcode).toBe("M_USER_DEACTIVATED");
});

test("without it the type is not known, and a service that opens no accounts opens none", async () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const strict = await openApi({
    jwt: {
      ...{ key: rsa.publicKey, algorithms: ["RS256"], issuer: undefined, audiences: undefined },
      ...{ localpartClaim: "nick", opensAccounts: false, requiresExpiry: false },
    },
  });
  const plain = await openApi();
  const signed = await new SignJWT({ nick: "anna" })
    .setProtectedHeader({ alg: "RS256" })
    .sign(rsa.privateKey);
  const body = { type: "org.matrix.login.jwt", token: signed };
  try {
    expect((await strict.call("POST", "login", body)).body.errcode).toBe("M_FORBIDDEN");
    await strict.register("anna");
    expect((await strict.call("POST", "login", body)).body.user_id).toBe(id("anna"));
    expect((await plain.call("POST", "login", body)).body.errcode).toBe("M_UNKNOWN");
    expect((await plain.call("GET", "login")).body.flows).not.toContainEqual({
      type: "org.matrix.login.jwt",
    });
  } finally {
    await strict.close();
    await plain.close();
  }
});
