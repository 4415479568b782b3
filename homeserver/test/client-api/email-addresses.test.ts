import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type MailApi, openMailApi } from "../mail/mail-api.ts";
import { linkIn } from "../mail/mail-server.ts";
import { openApi, type TestApi } from "./support.ts";

const PASSWORD = { type: "m.login.password", password: "pw" };
const HOUR_MS = 3_600_000;

let t: MailApi;
let ann: { user_id: string; access_token: string };

let bob: { user_id: string; access_token: string };
let count = 0;

beforeAll(async () => {
  t = await openMailApi();
});
afterAll(() => t.close());
beforeEach(async () => {
  await t.forget();
  count += 1;
  ann = await t.register(`ann${count}`);
  bob = await t.register(`bob${count}`);
});

const add = (creds: object, token = ann.access_token, auth: object = PASSWORD) =>
  t.call("POST", "account/3pid/add", { ...creds, auth }, token);
const list = async (token = ann.access_token) =>
  (await t.call("GET", "account/3pid", undefined, token)).body.threepids;
const login = (identifier: object, password = "pw") =>
  t.call("POST", "login", { type: "m.login.password", identifier, password });

describe("an address of an account", () => {
  test("is added once its owner has followed the link, and pressed the button", async () => {
    const creds = await t.begin("account/3pid", "Ann@There.Test");
    expect(creds.sid).toMatch(/^[0-9a-zA-Z.=_-]{1,255}$/);
    const mail = await t.server.mailTo("ann@there.test");
    const early = await add(creds);
    expect([early.status, early.body.errcode]).toEqual([400, "M_THREEPID_AUTH_FAILED"]);
    // Whoever looks through mail follows links, too.
    expect((await t.inject({ method: "GET", url: linkIn(mail) })).status).toBe(200);
    expect((await add(creds)).status).toBe(400);
    expect((await t.follow(mail)).status).toBe(200);
    expect((await add(creds)).status).toBe(200);
    const now = t.clock.now();
    expect(await list()).toEqual([
      { medium: "email", address: "ann@there.test", validated_at: now, added_at: now },
    ]);
  });

  test("needs the password, and the secret of who had it confirmed", async () => {
    const creds = await t.confirmed("account/3pid", "ann@there.test");
    const asked = await t.call("POST", "account/3pid/add", creds, ann.access_token);
    expect([asked.status, asked.body.flows]).toEqual([401, [{ stages: ["m.login.password"] }]]);
    const { session } = asked.body;
    const wrong = await add(creds, ann.access_token, { ...PASSWORD, session, password: "no" });
    expect([wrong.status, wrong.body.errcode]).toEqual([401, "M_FORBIDDEN"]);
    const stranger = await add({ ...creds, client_secret: "other" });
    expect(stranger.body.errcode).toBe("M_THREEPID_AUTH_FAILED");
    const other = await add({ ...creds, sid: "other" });
    expect(other.body.errcode).toBe("M_THREEPID_AUTH_FAILED");
    expect((await add(creds)).status).toBe(200);
    // It is used up.
    expect((await add(creds)).body.errcode).toBe("M_THREEPID_AUTH_FAILED");
  });

  test("belongs to one account, as the mail says and nobody else is told", async () => {
    await t.give(ann.access_token, "ann@there.test");
    await t.begin("account/3pid", "ann@there.test");
    const mail = await t.server.mailTo("ann@there.test", 2);
    expect(mail.text).toContain(ann.user_id);
    expect(mail.text).not.toContain("http");
    // Two have it confirmed before it belongs to one of them.
    const [one, other] = [
      await t.confirmed("account/3pid", "new@there.test"),
      await t.confirmed("account/3pid", "new@there.test"),
    ];
    expect((await add(one)).status).toBe(200);
    const late = await add(other, bob.access_token);
    expect([late.status, late.body.errcode]).toEqual([400, "M_THREEPID_IN_USE"]);
    expect(await list(bob.access_token)).toEqual([]);
  });

  test("signs its owner in, and confirms what they do", async () => {
    await t.give(ann.access_token, "ann@there.test");
    const byAddress = { type: "m.id.thirdparty", medium: "email", address: "ANN@there.test" };
    const session = await login(byAddress);
    expect([session.status, session.body.user_id]).toEqual([200, ann.user_id]);
    expect((await login(byAddress, "no")).body.errcode).toBe("M_FORBIDDEN");
    const nobody = await login({ ...byAddress, address: "bob@there.test" });
    expect([nobody.status, nobody.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
    const phone = await login({ type: "m.id.phone", country: "GB", phone: "07700900001" });
    expect(phone.status).toBe(403);
    expect((await login({ type: "m.id.thirdparty" })).body.errcode).toBe("M_MISSING_PARAM");
    const older = { type: "m.login.password", medium: "email", address: "ann@there.test" };
    expect((await t.call("POST", "login", { ...older, password: "pw" })).status).toBe(200);
    const { device_id: device } = session.body;
    const removal = { auth: { ...PASSWORD, identifier: byAddress } };
    const removed = await t.call("DELETE", `devices/${device}`, removal, ann.access_token);
    expect(removed.status).toBe(200);
  });

  test("is taken away by its owner only", async () => {
    await t.give(ann.access_token, "ann@there.test");
    const address = { medium: "email", address: "Ann@there.test" };
    const by = (token: string) => t.call("POST", "account/3pid/delete", address, token);
    const gone = { id_server_unbind_result: "no-support" };
    expect((await by(bob.access_token)).body).toEqual(gone);
    expect(await list()).toHaveLength(1);
    expect((await by(ann.access_token)).body).toEqual(gone);
    expect(await list()).toEqual([]);
    expect((await by(ann.access_token)).status).toBe(200);
    await t.give(bob.access_token, "ann@there.test");
  });

  test("goes with a closed account", async () => {
    await t.give(ann.access_token, "ann@there.test");
    await t.call("POST", "account/deactivate", { auth: PASSWORD }, ann.access_token);
    await t.give(bob.access_token, "ann@there.test");
  });

  test("is one of twenty at most", async () => {
    await t.sql`
      INSERT INTO account_addresses (medium, address, user_id, confirmed_ts, added_ts)
      SELECT 'email', number || '@there.test', ${ann.user_id}, 0, 0
      FROM generate_series(1, 20) AS number`;
    const creds = await t.confirmed("account/3pid", "ann@there.test");
    const refused = await add(creds);
    expect([refused.status, refused.body.errcode]).toEqual([403, "M_RESOURCE_LIMIT_EXCEEDED"]);
    expect(await list()).toHaveLength(20);
    // One goes, and the confirmation is still good.
    const one = { medium: "email", address: "7@there.test" };
    await t.call("POST", "account/3pid/delete", one, ann.access_token);
    expect((await add(creds)).status).toBe(200);
  });
});

describe("a mail", () => {
  test("is sent again only for a later attempt, whose link then is the only one", async () => {
    const email = "ann@there.test";
    const creds = await t.begin("account/3pid", email);
    const again = (send_attempt: number) =>
      t.begin("account/3pid", email, { client_secret: creds.client_secret, send_attempt });
    expect(await again(1)).toEqual(creds);
    expect(await again(2)).toEqual(creds);
    expect(await again(2)).toEqual(creds);
    const second = await t.server.mailTo(email, 2);
    expect((await t.follow(await t.server.mailTo(email))).status).toBe(403);
    expect((await t.follow(second)).status).toBe(200);
    expect(await again(1)).toEqual(creds);
    expect((await add(creds)).status).toBe(200);
    expect(t.server.taken).toHaveLength(2);
  });

  test("goes to one address five times an hour, whoever asks, and whether or not it is known", async () => {
    await t.give(ann.access_token, "ann@there.test");
    for (const email of ["ann@there.test", "eve@there.test"]) {
      let asked = 0;
      const ask = () =>
        t.call("POST", "account/password/email/requestToken", {
          ...{ email, client_secret: `s${(asked += 1)}`, send_attempt: 1 },
        });
      const first = email === "ann@there.test" ? 4 : 5;
      for (let number = 0; number < first; number += 1) expect((await ask()).status).toBe(200);
      const refused = await ask();
      expect([refused.status, refused.body.errcode]).toEqual([429, "M_LIMIT_EXCEEDED"]);
      expect(refused.body.retry_after_ms).toBeLessThanOrEqual(HOUR_MS);
      await t.server.mailTo(email, 5);
    }
    t.clock.advance(HOUR_MS);
    await t.begin("account/password", "ann@there.test");
    await t.server.mailTo("ann@there.test", 6);
  });

  test("has a link that is good for an hour, and a confirmation that is good for another", async () => {
    const creds = await t.begin("account/3pid", "ann@there.test");
    t.clock.advance(HOUR_MS - 1);
    expect((await t.follow(await t.server.mailTo("ann@there.test"))).status).toBe(200);
    t.clock.advance(HOUR_MS);
    expect((await add(creds)).body.errcode).toBe("M_THREEPID_AUTH_FAILED");
    await t.begin("account/3pid", "ann@there.test");
    t.clock.advance(HOUR_MS);
    expect((await t.follow(await t.server.mailTo("ann@there.test", 2))).status).toBe(403);
  });

  test("leads to where the client wants: at once to this server, by a link elsewhere", async () => {
    await t.begin("account/3pid", "a@there.test", { next_link: "https://matrix.here.test/#/x" });
    const here = await t.follow(await t.server.mailTo("a@there.test"));
    expect([here.status, here.location]).toEqual([303, "https://matrix.here.test/#/x"]);
    await t.begin("account/3pid", "b@there.test", { next_link: "https://app.test/?a=%22&b" });
    const elsewhere = await t.follow(await t.server.mailTo("b@there.test"));
    expect(elsewhere.status).toBe(200);
    expect(elsewhere.body).toContain(
      '<a href="https://app.test/?a=%22&amp;b">Go on to app.test</a>',
    );
  });

  test.each(["javascript:alert(1)", "http://app.test/", "https://a:b@app.test/", "x"])(
    "does not lead to %s",
    async (next_link) => {
      const wished = { email: "a@there.test", client_secret: "s", send_attempt: 1, next_link };
      const refused = await t.call("POST", "account/3pid/email/requestToken", wished);
      expect([refused.status, refused.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
    },
  );

  test.each([
    ...["ann", "@there.test", "ann@", "a b@there.test", "ann@there..test", "ann..b@there.test"],
    ...[
      "ann@there.test\r\nBcc: eve@there.test",
      "<ann@there.test>",
      "ann@there.test,eve@there.test",
    ],
    ...["\u00e4nn@there.test", `${"a".repeat(65)}@there.test`, `a@${"b.".repeat(130)}test`],
  ])("is not sent to %j", async (email) => {
    const wished = { email, client_secret: "s", send_attempt: 1 };
    const refused = await t.call("POST", "account/3pid/email/requestToken", wished);
    expect([refused.status, refused.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
  });

  test("goes to one form of an address", async () => {
    await t.begin("account/3pid", "Strau\u00df@B\u00fccher.test");
    // Mail servers and their readers write a domain in either way.
    await t.server.mailTo("strauss@b\u00fccher.test");
  });
});

describe("without a mail server", () => {
  let bare: TestApi;
  beforeAll(async () => {
    bare = await openApi();
  });
  afterAll(() => bare.close());

  const phone = { country: "GB", phone_number: "07700900001" };
  test.each([
    ["account/3pid", "email", "M_THREEPID_MEDIUM_NOT_SUPPORTED", 400],
    ["account/3pid", "msisdn", "M_THREEPID_MEDIUM_NOT_SUPPORTED", 400],
    ["account/password", "email", "M_THREEPID_DENIED", 403],
    ["account/password", "msisdn", "M_THREEPID_DENIED", 403],
    ["register", "email", "M_THREEPID_DENIED", 403],
    ["register", "msisdn", "M_THREEPID_DENIED", 403],
  ])("%s refuses %s with %s", async (where, medium, errcode, status) => {
    const address = medium === "email" ? { email: "ann@there.test" } : phone;
    const wished = { ...address, client_secret: "s", send_attempt: 1 };
    for (const api of medium === "email" ? [bare] : [bare, t]) {
      const refused = await api.call("POST", `${where}/${medium}/requestToken`, wished);
      expect([refused.status, refused.body.errcode]).toEqual([status, errcode]);
    }
  });

  test("clients are told, and so they are with one", async () => {
    const { access_token } = await bare.register("ann");
    const told = async (api: TestApi, token: string) =>
      (await api.call("GET", "capabilities", undefined, token)).body.capabilities["m.3pid_changes"];
    expect(await told(bare, access_token)).toEqual({ enabled: false });
    expect(await told(t, ann.access_token)).toEqual({ enabled: true });
    const flows = (await bare.call("POST", "register", {})).body.flows;
    expect(flows).toEqual([{ stages: ["m.login.dummy"] }]);
  });
});
