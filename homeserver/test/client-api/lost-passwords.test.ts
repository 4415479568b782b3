import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type MailApi, openMailApi } from "../mail/mail-api.ts";

const EMAIL = "ann@there.test";

let t: MailApi;
let username = "ann";
let count = 0;

const proof = (threepid_creds: object, more: object = {}) => ({
  auth: { type: "m.login.email.identity", threepid_creds, ...more },
});
const login = (password: string) => {
  const identifier = { type: "m.id.user", user: username };
  return t.call("POST", "login", { type: "m.login.password", identifier, password });
};
const whoami = (token: string) => t.call("GET", "account/whoami", undefined, token);

describe("a lost password", () => {
  let ann: { user_id: string; access_token: string };
  beforeAll(async () => {
    t = await openMailApi();
  });
  afterAll(() => t.close());
  beforeEach(async () => {
    await t.forget();
    count += 1;
    username = `ann${count}`;
    ann = await t.register(username);
    await t.give(ann.access_token, EMAIL);
  });

  const set = (password: string, more: object) =>
    t.call("POST", "account/password", { new_password: password, ...more });

  test("is replaced by who reads the mails of the account, and all sessions end", async () => {
    const creds = await t.begin("account/password", EMAIL);
    const asked = await set("newpw", {});
    expect(asked.body.flows).toEqual([
      { stages: ["m.login.password"] },
      { stages: ["m.login.email.identity"] },
    ]);
    const { session } = asked.body;
    const early = await set("newpw", proof(creds, { session }));
    expect([early.status, early.body.errcode]).toEqual([401, "M_UNAUTHORIZED"]);
    const mail = await t.server.mailTo(EMAIL, 2);
    expect(mail.text).toContain(ann.user_id);
    await t.follow(mail);
    expect((await set("newpw", proof(creds, { session }))).status).toBe(200);
    expect((await login("pw")).status).toBe(403);
    expect((await login("newpw")).status).toBe(200);
    expect((await whoami(ann.access_token)).body.errcode).toBe("M_UNKNOWN_TOKEN");
  });

  test("is replaced at the first request, by the older name, and without ending sessions", async () => {
    const threepidCreds = await t.confirmed("account/password", EMAIL);
    const auth = { type: "m.login.email.identity", threepidCreds };
    expect((await set("newpw", { auth, logout_devices: false })).status).toBe(200);
    expect((await whoami(ann.access_token)).status).toBe(200);
    expect((await login("newpw")).status).toBe(200);
    // It is used up.
    expect((await set("other", { auth })).body.errcode).toBe("M_UNAUTHORIZED");
  });

  test("is not replaced by what was confirmed for something else", async () => {
    const creds = await t.confirmed("account/3pid", "new@there.test");
    expect((await set("newpw", proof(creds))).body.errcode).toBe("M_UNAUTHORIZED");
    const forPassword = await t.confirmed("account/password", EMAIL);
    const register = { username: "eve", password: "pw", ...proof(forPassword) };
    expect((await t.call("POST", "register", register)).body.errcode).toBe("M_UNAUTHORIZED");
  });

  test("is replaced once, whoever else had a link", async () => {
    const [one, other] = [
      await t.confirmed("account/password", EMAIL),
      await t.confirmed("account/password", EMAIL),
    ];
    const both = await Promise.all([set("first", proof(one)), set("second", proof(other))]);
    expect(both.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test("is not told apart from one of nobody's, but by the mail", async () => {
    const known = await t.begin("account/password", EMAIL);
    const unknown = await t.begin("account/password", "eve@there.test");
    expect(Object.keys(unknown)).toEqual(Object.keys(known));
    expect(unknown.sid).toHaveLength(known.sid.length);
    const mail = await t.server.mailTo("eve@there.test");
    expect(mail.headers["subject"]).toContain("No account");
    expect(mail.text).not.toContain("http");
  });

  test("is written of in the language of whoever asks", async () => {
    const wished = { email: EMAIL, client_secret: "in.german", send_attempt: 1 };
    const asked = await t.inject({
      method: "POST",
      url: "/_matrix/client/v3/account/password/email/requestToken",
      payload: wished,
      headers: { "accept-language": "de-AT, en;q=0.5" },
    });
    expect(asked.status).toBe(200);
    const mail = await t.server.mailTo(EMAIL, 2);
    expect(mail.headers).toMatchObject({
      subject: "=?UTF-8?Q?Ein_neues_Passwort_f=C3=BCr_here=2Etest?=",
      "content-language": "de",
    });
    expect(mail.text).toContain("Der Link gilt eine Stunde.");
    expect((await t.follow(mail)).status).toBe(200);
  });

  test("stays where the account is locked or gone, or the address not its any more", async () => {
    const creds = await t.confirmed("account/password", EMAIL);
    await t.sql`UPDATE accounts SET locked_ts = 1 WHERE user_id = ${ann.user_id}`;
    expect((await set("newpw", proof(creds))).body.errcode).toBe("M_USER_LOCKED");
    await t.sql`UPDATE accounts SET locked_ts = NULL WHERE user_id = ${ann.user_id}`;
    const removal = { medium: "email", address: EMAIL };
    await t.call("POST", "account/3pid/delete", removal, ann.access_token);
    expect((await set("newpw", proof(creds))).body.errcode).toBe("M_UNAUTHORIZED");
    expect((await login("pw")).status).toBe(200);
  });

  test("needs the password from who is signed in", async () => {
    const creds = await t.confirmed("account/password", EMAIL);
    const body = { new_password: "newpw", ...proof(creds) };
    const asked = await t.call("POST", "account/password", body, ann.access_token);
    expect([asked.status, asked.body.flows]).toEqual([401, [{ stages: ["m.login.password"] }]]);
  });

  test.each([{}, { threepid_creds: {} }, { threepid_creds: { sid: "x" } }])(
    "is not replaced by %j",
    async (more) => {
      const auth = { type: "m.login.email.identity", ...more };
      expect((await set("newpw", { auth })).body.errcode).toBe("M_MISSING_PARAM");
    },
  );
});

describe("registering", () => {
  afterEach(() => t.close());

  const register = (body: object) =>
    t.call("POST", "register", { username: "ann", password: "pw", ...body });
  const addresses = async (token: string) =>
    (await t.call("GET", "account/3pid", undefined, token)).body.threepids;

  test("takes a confirmed address, which belongs to the account then", async () => {
    t = await openMailApi();
    const { body } = await register({});
    expect(body.flows).toEqual([
      { stages: ["m.login.dummy"] },
      { stages: ["m.login.email.identity"] },
    ]);
    const creds = await t.begin("register", EMAIL);
    const early = await register(proof(creds, { session: body.session }));
    expect([early.status, early.body.errcode]).toEqual([401, "M_UNAUTHORIZED"]);
    await t.follow(await t.server.mailTo(EMAIL));
    const done = await register(proof(creds, { session: body.session }));
    expect(done.status).toBe(200);
    expect(await addresses(done.body.access_token)).toMatchObject([{ address: EMAIL }]);
    // The answer was lost, and the client asks again.
    const again = await register(proof(creds, { session: body.session }));
    expect(again.body).toEqual(done.body);
  });

  test("by a token, too, takes the address first", async () => {
    t = await openMailApi({ registration: "token" });
    const { token } = await t.users.registrationTokens.create({ usesAllowed: 1 });
    const { body } = await register({});
    expect(body.flows).toEqual([
      { stages: ["m.login.registration_token"] },
      { stages: ["m.login.email.identity", "m.login.registration_token"] },
    ]);
    const { session } = body;
    const creds = await t.confirmed("register", EMAIL);
    const half = await register(proof(creds, { session }));
    expect([half.status, half.body.completed]).toEqual([401, ["m.login.email.identity"]]);
    const auth = { type: "m.login.registration_token", token, session };
    const done = await register({ auth });
    expect(done.status).toBe(200);
    expect(await addresses(done.body.access_token)).toMatchObject([{ address: EMAIL }]);
  });

  test("needs an address where the server says so", async () => {
    t = await openMailApi({ registrationEmail: "required" });
    const dummy = await register({ auth: { type: "m.login.dummy" } });
    expect([dummy.status, dummy.body.errcode]).toEqual([401, "M_UNKNOWN"]);
    expect(dummy.body.flows).toEqual([{ stages: ["m.login.email.identity"] }]);
    const creds = await t.confirmed("register", EMAIL);
    expect((await register(proof(creds))).status).toBe(200);
    // Administrators need none.
    await t.users.registration.create("bob", "pw");
  });

  test("with an address of somebody's says so by mail only", async () => {
    t = await openMailApi();
    expect((await register(proof(await t.confirmed("register", EMAIL)))).status).toBe(200);
    await t.begin("register", EMAIL);
    const mail = await t.server.mailTo(EMAIL, 2);
    expect(mail.text).toContain("@ann:here.test");
    expect(mail.text).not.toContain("http");
  });

  test("of two with one address takes one", async () => {
    t = await openMailApi();
    const [one, other] = [
      await t.confirmed("register", EMAIL),
      await t.confirmed("register", EMAIL),
    ];
    expect((await register(proof(one))).status).toBe(200);
    const late = await register({ ...proof(other), username: "bob" });
    expect([late.status, late.body.errcode]).toEqual([400, "M_THREEPID_IN_USE"]);
    // Nothing of the second account is left.
    expect((await t.call("GET", "register/available?username=bob")).status).toBe(200);
  });

  test("is closed for addresses, too, where it is closed", async () => {
    t = await openMailApi({ registration: "closed" });
    const wished = { email: EMAIL, client_secret: "s", send_attempt: 1 };
    const refused = await t.call("POST", "register/email/requestToken", wished);
    expect([refused.status, refused.body.errcode]).toEqual([403, "M_FORBIDDEN"]);
  });
});
