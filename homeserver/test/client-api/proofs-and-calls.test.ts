/** What users show to other services, what their calls need, and whom they can turn to. */
import { createHmac } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openApi, type TestApi } from "./support.ts";

const HOUR = 3_600_000;
const TURN = { uris: ["turn:turn.test?transport=udp", "turns:turn.test"], sharedSecret: "shh" };
const SUPPORT = { admins: ["@boss:here.test"], security: ["safe@here.test"], page: undefined };

let t: TestApi;
let plain: TestApi;

beforeAll(async () => {
  [t, plain] = await Promise.all([openApi({ turn: TURN, support: SUPPORT }), openApi()]);
}, 180_000);
afterAll(() => Promise.all([t.close(), plain.close()]));

const whose = (token: string) =>
  t.call("GET", `/_matrix/federation/v1/openid/userinfo?access_token=${encodeURIComponent(token)}`);

const UNKNOWN = { status: 401, body: { errcode: "M_UNKNOWN_TOKEN" } };

async function proofOf(user: { user_id: string; access_token: string }): Promise<string> {
  const path = `user/${encodeURIComponent(user.user_id)}/openid/request_token`;
  const { status, body } = await t.call("POST", path, {}, user.access_token);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { token_type: "Bearer", matrix_server_name: "here.test", expires_in: 3_600 },
  });
  return body.access_token;
}

test("an OpenID token says whose it is, as often as it is shown, for an hour", async () => {
  const alice = await t.register("alice");
  const token = await proofOf(alice);
  expect(await proofOf(alice)).not.toBe(token);
  for (let i = 0; i < 2; i += 1) {
    expect(await whose(token)).toMatchObject({ status: 200, body: { sub: "@alice:here.test" } });
  }
  t.clock.advance(HOUR - 1);
  expect(await whose(token)).toMatchObject({ status: 200 });
  t.clock.advance(1);
  expect(await whose(token)).toMatchObject(UNKNOWN);
});

test("an OpenID token is good for nothing else, and other tokens are no OpenID tokens", async () => {
  const bob = await t.register("bob");
  const token = await proofOf(bob);
  expect(await t.call("GET", "account/whoami", undefined, token)).toMatchObject(UNKNOWN);
  expect(await whose(bob.access_token)).toMatchObject(UNKNOWN);
  const [claim = "", code = ""] = token.slice("weft_o_".length).split(".");
  const text = Buffer.from(claim, "base64url").toString();
  const forged = Buffer.from(text.replace("@bob:", "@boss:")).toString("base64url");
  for (const bad of [`weft_o_${forged}.${code}`, `weft_o_${claim}.`, `weft_o_${claim}`, "", "."]) {
    expect(await whose(bad)).toMatchObject(UNKNOWN);
  }
});

test("nobody gets an OpenID token for another user, and none of a closed account is good", async () => {
  const [carol, dave] = [await t.register("carol"), await t.register("dave")];
  const path = `user/${encodeURIComponent(carol.user_id)}/openid/request_token`;
  expect(await t.call("POST", path, {}, dave.access_token)).toMatchObject({
    status: 403,
    body: { errcode: "M_FORBIDDEN" },
  });
  const token = await proofOf(carol);
  const auth = { type: "m.login.password", identifier: { type: "m.id.user", user: "carol" } };
  const body = { auth: { ...auth, password: "pw" } };
  expect(await t.call("POST", "account/deactivate", body, carol.access_token)).toMatchObject({
    status: 200,
  });
  expect(await whose(token)).toMatchObject(UNKNOWN);
});

test("who calls gets credentials that the TURN servers can check", async () => {
  const { access_token: token, user_id: userId } = await t.register("erin");
  const { status, body } = await t.call("GET", "voip/turnServer", undefined, token);
  const username = `${Math.floor(t.clock.now() / 1_000) + 86_400}:${userId}`;
  const password = createHmac("sha1", "shh").update(username).digest("base64");
  expect({ status, body }).toEqual({
    status: 200,
    body: { username, password, uris: TURN.uris, ttl: 86_400 },
  });
  expect(await t.call("GET", "voip/turnServer")).toMatchObject({ status: 401 });
  const other = await plain.register("erin");
  expect(await plain.call("GET", "voip/turnServer", undefined, other.access_token)).toMatchObject({
    status: 403,
    body: { errcode: "M_FORBIDDEN" },
  });
});

test("the server says whom to turn to, if it has been told", async () => {
  const path = "/.well-known/matrix/support";
  const answer = await t.call("GET", path);
  expect(answer).toMatchObject({
    status: 200,
    body: {
      contacts: [
        { matrix_id: "@boss:here.test", role: "m.role.admin" },
        { email_address: "safe@here.test", role: "m.role.security" },
      ],
    },
  });
  expect(answer.headers["access-control-allow-origin"]).toBe("*");
  expect(await plain.call("GET", path)).toMatchObject({
    status: 404,
    body: { errcode: "M_NOT_FOUND" },
  });
});
