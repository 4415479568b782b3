/** Devices that are let in elsewhere. (RFC 8628.) */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi, type TestApi } from "../client-api/support.ts";
import { openBrowser, postForm, registerClient, SCOPE, type TestBrowser } from "./support.ts";

let t: TestApi;
let clientId: string;
let browser: TestBrowser;
beforeAll(async () => {
  t = await openApi();
  await t.register("alice");
  clientId = await registerClient(t);
  browser = openBrowser(t);
  await browser.signIn("alice", "pw");
});
afterAll(() => t.close());

const LINK = "/_weft/oauth/link";
const begin = (deviceId: string, client = clientId) =>
  postForm(t, "/_weft/oauth/device", { client_id: client, scope: SCOPE + deviceId });
const poll = (deviceCode: string, client = clientId) =>
  postForm(t, "/_weft/oauth/token", {
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code: deviceCode,
    client_id: client,
  });
const later = () => t.clock.advance(2_000);

test("a device asks, somebody lets it in, and it is signed in", async () => {
  const { body: metadata } = await t.call("GET", "/_matrix/client/v1/auth_metadata");
  expect(metadata.device_authorization_endpoint).toBe(
    "https://matrix.here.test/_weft/oauth/device",
  );
  const { body: offer } = await begin("TV");
  expect(offer).toEqual({
    device_code: expect.stringMatching(/^weft_d_/),
    user_code: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/),
    verification_uri: `https://matrix.here.test${LINK}`,
    verification_uri_complete: `https://matrix.here.test${LINK}?user_code=${offer.user_code}`,
    expires_in: 900,
    interval: 2,
  });
  expect((await poll(offer.device_code)).body.error).toBe("authorization_pending");

  // Somebody who is not signed in yet types the code in their own way.
  const fresh = openBrowser(t);
  const toSignIn = await fresh.get(`${LINK}?user_code=${offer.user_code}`);
  expect(toSignIn.status).toBe(303);
  const next = new URL(toSignIn.location, "http://x").searchParams.get("next")!;
  expect((await fresh.signIn("alice", "pw", next)).location).toBe(
    `${LINK}?user_code=${offer.user_code}`,
  );
  const typed = offer.user_code.toLowerCase().replace("-", " ");
  const page = await fresh.get(`${LINK}?${new URLSearchParams({ user_code: typed }).toString()}`);
  expect(page.body).toContain("Let An app in?");
  expect(page.body).toContain(offer.user_code);
  later();
  expect((await fresh.send(page, LINK, { decision: "allow" })).body).toContain("is let in");
  const { body: tokens } = await poll(offer.device_code);
  expect(tokens).toMatchObject({ token_type: "Bearer", scope: `${SCOPE}TV` });
  const { body } = await t.call("GET", "account/whoami", undefined, tokens.access_token);
  expect(body).toMatchObject({ user_id: "@alice:here.test", device_id: "TV" });
  // The code is used up.
  later();
  expect((await poll(offer.device_code)).body.error).toBe("invalid_grant");
  expect((await fresh.get(`${LINK}?user_code=${offer.user_code}`)).status).toBe(404);
});

test("a device that asks too often is told to wait", async () => {
  const { body: offer } = await begin("HASTY");
  const asked = [];
  for (const pause of [0, 100, 2_000]) {
    t.clock.advance(pause);
    asked.push((await poll(offer.device_code)).body.error);
  }
  expect(asked).toEqual(["authorization_pending", "slow_down", "authorization_pending"]);
});

test("a device that is refused, or that nobody lets in, is told so", async () => {
  const { body: refused } = await begin("NO");
  const page = await browser.get(`${LINK}?user_code=${refused.user_code}`);
  expect((await browser.send(page, LINK, { decision: "deny" })).body).toContain("not let in");
  expect((await poll(refused.device_code)).body.error).toBe("access_denied");
  // Nobody can let it in afterwards.
  expect((await browser.send(page, LINK, { decision: "allow" })).status).toBe(404);

  const { body: late } = await begin("LATE");
  const latePage = await browser.get(`${LINK}?user_code=${late.user_code}`);
  t.clock.advance(900_000);
  expect((await poll(late.device_code)).body.error).toBe("expired_token");
  expect((await browser.send(latePage, LINK, { decision: "allow" })).status).toBe(404);
});

describe("bad input", () => {
  test("is refused", async () => {
    const codeOnly = await registerClient(t, { grant_types: ["authorization_code"] });
    const answers = [
      await begin("X", "nobody"),
      await begin("X", codeOnly),
      await begin(""),
      await postForm(t, "/_weft/oauth/device", { client_id: clientId }),
    ];
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual([
      [401, "invalid_client"],
      [400, "unauthorized_client"],
      [400, "invalid_scope"],
      [400, "invalid_scope"],
    ]);
    const { body: offer } = await begin("X");
    const other = await registerClient(t, { client_name: "Another" });
    expect((await poll(offer.device_code, other)).body.error).toBe("invalid_grant");
    expect((await poll("weft_d_unknown")).body.error).toBe("invalid_grant");
    expect((await postForm(t, LINK, { user_code: offer.user_code })).status).toBe(403);
    expect((await browser.get(LINK)).body).toContain('name="user_code"');
    expect((await browser.get(`${LINK}?user_code=ZZZZ-ZZZZ`)).status).toBe(404);
  });

  test("a form of another site lets nobody in", async () => {
    const { body: offer } = await begin("FORGED");
    const page = await browser.get(`${LINK}?user_code=${offer.user_code}`);
    const headers = { "sec-fetch-site": "cross-site" };
    expect((await browser.send(page, LINK, { decision: "allow" }, headers)).status).toBe(403);
    later();
    expect((await poll(offer.device_code)).body.error).toBe("authorization_pending");
  });

  test("strangers cannot fill the table", async () => {
    await t.sql`
      INSERT INTO oauth_device_grants (code_hash, user_code, client_id, device_id, scope, expires_ts)
      SELECT sha256(n::text::bytea), 'n' || n, 'x', 'x', 'x', ${t.clock.now() + 1000}::bigint
      FROM generate_series(1, 10000) n`;
    const full = await begin("FULL");
    expect([full.status, full.body.error]).toEqual([503, "temporarily_unavailable"]);
    later();
    expect((await begin("FULL")).status).toBe(200);
  });
});
