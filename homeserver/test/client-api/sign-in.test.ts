import { beforeAll, describe, expect, test } from "vitest";
import { memoryFailures } from "../../src/cluster/failures.ts";
import { openApi } from "./support.ts";
import { login, t } from "./accounts-api.ts";

beforeAll(() => t.register("alice", { password: "wonderland" }));

describe("signing in", () => {
  test.each([
    { identifier: { type: "m.id.user", user: "alice" } },
    { identifier: { type: "m.id.user", user: "@alice:here.test" } },
    { user: "Alice" },
  ])("works with %j", async (who) => {
    const answer = await login({ ...who, password: "wonderland" });
    expect(answer).toMatchObject({ status: 200, body: { user_id: "@alice:here.test" } });
    expect(answer.body.device_id).toMatch(/^[A-Z]{10}$/);
  });

  test.each([
    [{ user: "alice", password: "wrong" }, 403, "M_FORBIDDEN"],
    [{ user: "nobody", password: "wonderland" }, 403, "M_FORBIDDEN"],
    [{ user: "@alice:there.test", password: "wonderland" }, 403, "M_FORBIDDEN"],
    [{ user: "alice" }, 400, "M_MISSING_PARAM"],
    [{ password: "x" }, 400, "M_MISSING_PARAM"],
    [
      { identifier: { type: "m.id.thirdparty", medium: "email", address: "a@b" }, password: "x" },
      403,
      "M_FORBIDDEN",
    ],
    [{ type: "m.login.magic" }, 400, "M_UNKNOWN"],
    [{ type: "m.login.token", token: "x" }, 403, "M_FORBIDDEN"],
  ])("%j is refused with the right code", async (body, status, errcode) => {
    expect(await login(body)).toMatchObject({ status, body: { errcode } });
  });

  test("with a one-time token works once and in time", async () => {
    const signedIn = (await login({ user: "alice", password: "wonderland" })).body.access_token;
    const auth = { type: "m.login.password", user: "alice", password: "wonderland" };
    const path = "/_matrix/client/v1/login/get_token";
    expect(await t.call("POST", path, {}, signedIn)).toMatchObject({ status: 401 });
    const { body } = await t.call("POST", path, { auth }, signedIn);
    expect(body.expires_in_ms).toBe(120_000);
    const token = body.login_token;
    const request = { type: "m.login.token", token };
    expect(await login(request)).toMatchObject({
      status: 200,
      body: { user_id: "@alice:here.test" },
    });
    expect(await login(request)).toMatchObject({ status: 403 });
  });

  test("gives refresh tokens to who knows them", async () => {
    const first = await login({ user: "alice", password: "wonderland", refresh_token: true });
    expect(first.body).toMatchObject({ expires_in_ms: 3_600_000 });
    const token = first.body.refresh_token;
    const second = await t.call("POST", "refresh", { refresh_token: token });
    expect(second.body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      expires_in_ms: 3_600_000,
    });
    expect(await t.call("POST", "refresh", { refresh_token: "x" })).toMatchObject({
      status: 401,
      body: { errcode: "M_UNKNOWN_TOKEN" },
    });
  });
});

test("every wrong password counts against its account, however that is named", async () => {
  const counted = await openApi({ failures: memoryFailures(t.clock) });
  await counted.register("alice");
  const wrong = { type: "m.login.password", password: "x" };
  const tries = [
    () => counted.call("POST", "login", { ...wrong, user: "ALICE" }),
    () =>
      counted.call("POST", "login", {
        ...wrong,
        identifier: { type: "m.id.user", user: "@alice:here.test" },
      }),
    () =>
      counted.call("POST", "account/password", {
        new_password: "y",
        auth: { ...wrong, user: "alice" },
      }),
    () => counted.call("POST", "account/deactivate", { auth: { ...wrong, user: "alice" } }),
  ];
  const statuses = [];
  for (const attempt of [...tries, ...tries]) statuses.push((await attempt()).status);
  expect(statuses).toEqual([403, 403, 401, 401, 403, 429, 429, 429]);
  await counted.close();
});

describe("signing out", () => {
  test("ends this session, or all", async () => {
    const { access_token: first } = await t.register("outgoing");
    const again = () => login({ user: "outgoing", password: "pw" });
    const [second, third] = [(await again()).body.access_token, (await again()).body.access_token];
    const whoami = async (token: string) =>
      (await t.call("GET", "account/whoami", undefined, token)).status;
    expect(await t.call("POST", "logout", undefined, first)).toMatchObject({
      status: 200,
      body: {},
    });
    expect([await whoami(first), await whoami(second)]).toEqual([401, 200]);
    await t.call("POST", "logout/all", {}, second);
    expect([await whoami(second), await whoami(third)]).toEqual([401, 401]);
  });
});
