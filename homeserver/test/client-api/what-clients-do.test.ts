import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi, type TestApi } from "./support.ts";

let t: TestApi;
beforeAll(async () => {
  t = await openApi();
});
afterAll(() => t.close());

const dummy = (session: string) => ({ type: "m.login.dummy", session });

async function begin(body: object): Promise<string> {
  const answer = await t.call("POST", "register", body);
  expect(answer.status).toBe(401);
  return answer.body.session;
}

describe("a registration whose answer was lost", () => {
  test.each([
    ["with a name", { username: "lost", password: "a long password" }],
    ["without one", { password: "a long password" }],
    [
      "without a session of its own",
      { username: "l2", password: "a long one", inhibit_login: true },
    ],
  ])("is answered again as it was (%s)", async (_name, body) => {
    const auth = dummy(await begin(body));
    const first = await t.call("POST", "register", { ...body, auth });
    expect(first.status).toBe(200);
    const again = await t.call("POST", "register", { ...body, auth });
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
    if (!("inhibit_login" in body)) {
      const owner = await t.call("GET", "account/whoami", undefined, first.body.access_token);
      expect(owner.body.user_id).toBe(first.body.user_id);
    }
  });

  test("is answered once for requests that meet", async () => {
    const body = { password: "a long password" };
    const auth = dummy(await begin(body));
    const repeat = () => t.call("POST", "register", { ...body, auth });
    const [one, two] = await Promise.all([repeat(), repeat()]);
    expect(one.status).toBe(200);
    expect(two.body).toEqual(one.body);
  });

  test("gives nothing to a request that is not word for word the same", async () => {
    const body = { username: "mine", password: "a long password" };
    const auth = dummy(await begin(body));
    expect((await t.call("POST", "register", { ...body, auth })).status).toBe(200);
    const guess = { ...body, password: "another password", auth };
    expect((await t.call("POST", "register", guess)).body.errcode).toBe("M_USER_IN_USE");
    const other = { username: "yours", password: "a long password", auth };
    expect(await t.call("POST", "register", other)).toMatchObject({
      status: 403,
      body: { errcode: "M_FORBIDDEN" },
    });
  });

  test("is stored so that the database alone does not tell the tokens", async () => {
    const body = { username: "sealed", password: "a long password" };
    const auth = dummy(await begin(body));
    const { access_token: token } = (await t.call("POST", "register", { ...body, auth })).body;
    const rows = await t.sql<{ answer: Buffer }[]>`
      SELECT answer FROM uia_sessions WHERE answer IS NOT NULL`;
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row.answer.includes(token)).toBe(false);
  });
});

test("another user's password does not delete a device: 403", async () => {
  const alice = await t.register("alice", { password: "the password of alice" });
  await t.register("bob", { password: "the password of bob" });
  const identifier = { type: "m.id.user", user: "bob" };
  const auth = { type: "m.login.password", identifier, password: "the password of bob" };
  const devices = [alice.device_id];
  for (const [method, path, body] of [
    ["DELETE", `devices/${alice.device_id}`, { auth }],
    ["POST", "delete_devices", { auth, devices }],
  ] as const) {
    const answer = await t.call(method, path, body, alice.access_token);
    expect(answer).toMatchObject({ status: 403, body: { errcode: "M_FORBIDDEN" } });
  }
  const left = await t.call("GET", "devices", undefined, alice.access_token);
  expect(left.body.devices).toHaveLength(1);
});

test("the capability of profile fields has one name", async () => {
  const { access_token: token } = await t.register("carol");
  const { capabilities } = (await t.call("GET", "capabilities", undefined, token)).body;
  const names = Object.keys(capabilities).filter((name) => name.endsWith("profile_fields"));
  expect(names).toEqual(["m.profile_fields"]);
});

test("JSON is answered as application/json, whatever the answer says", async () => {
  const { access_token: token } = await t.register("dave");
  const base = "/_matrix/client/v3/";
  const asked = [
    { url: `${base}account/whoami`, headers: { authorization: `Bearer ${token}` } },
    { url: `${base}account/whoami` },
    { url: `${base}nothing` },
    { method: "PATCH", url: `${base}account/whoami` },
    { method: "POST", url: `${base}login`, payload: '{"type":3}' },
    { method: "POST", url: `${base}login`, payload: "{" },
  ] as const;
  const answers = [];
  for (const request of asked) answers.push(await t.http.app.inject(request));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 401, 404, 405, 400, 400]);
  for (const { headers } of answers) expect(headers["content-type"]).toBe("application/json");
});
