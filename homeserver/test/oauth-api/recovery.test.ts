/** Lost passwords, and addresses of new accounts, on the server's own pages. */
import { afterEach, expect, test } from "vitest";
import { type MailApi, openMailApi } from "../mail/mail-api.ts";
import { openApi } from "../client-api/support.ts";
import { openBrowser } from "./support.ts";

const EMAIL = "ann@there.test";
const FORGOT = "/_weft/account/forgot";
const NEW_PASSWORD = "/_weft/account/new-password";
const REGISTER = "/_weft/account/register";

let t: MailApi;
afterEach(() => t?.close());

test("who has lost a password follows a mail, sets another, and is signed in", async () => {
  t = await openMailApi({ passwordMinLength: 3 });
  const ann = await t.register("ann", { password: "password" });
  await t.sql`
    INSERT INTO account_addresses (medium, address, user_id, confirmed_ts, added_ts)
    VALUES ('email', ${EMAIL}, ${ann.user_id}, 0, 0)`;
  const browser = openBrowser(t);
  const entry = await browser.get("/_weft/account/sign-in?next=%2F_weft%2Faccount");
  expect(entry.body).toContain(`href="${FORGOT}?next=%2F_weft%2Faccount"`);
  const asking = await browser.get(`${FORGOT}?next=%2F_weft%2Faccount`);
  const wrong = await browser.send(asking, FORGOT, { email: "nobody" });
  expect([wrong.status, wrong.body]).toEqual([400, expect.stringContaining("no e-mail address")]);
  const choosing = await browser.send(asking, FORGOT, { email: ` ${EMAIL} ` });
  expect(choosing.status).toBe(200);
  const both = (password: string, again = password) => ({
    new_password: password,
    new_password_again: again,
  });
  const early = await browser.send(choosing, NEW_PASSWORD, both("another"));
  expect([early.status, early.body]).toEqual([403, expect.stringContaining("Follow the link")]);
  await t.follow(await t.server.mailTo(EMAIL));
  const differing = await browser.send(choosing, NEW_PASSWORD, both("another", "other"));
  expect(differing.status).toBe(400);
  const weak = await browser.send(choosing, NEW_PASSWORD, both("a"));
  expect(weak.status).toBe(400);
  const done = await browser.send(differing, NEW_PASSWORD, both("another"));
  expect([done.status, done.location]).toEqual([303, "/_weft/account"]);
  expect((await browser.get("/_weft/account")).body).toContain(ann.user_id);
  const old = await t.call("GET", "account/whoami", undefined, ann.access_token);
  expect(old.body.errcode).toBe("M_UNKNOWN_TOKEN");
  // It is used up; and one signs in by the address from now on.
  expect((await browser.send(differing, NEW_PASSWORD, both("third"))).status).toBe(403);
  expect((await openBrowser(t).signIn(EMAIL, "another")).status).toBe(303);
  expect((await openBrowser(t).signIn("eve@there.test", "another")).status).toBe(403);
});

test("a page that comes from elsewhere has no mail sent, and sets no password", async () => {
  t = await openMailApi();
  const browser = openBrowser(t);
  const page = await browser.get(FORGOT);
  const foreign = { ...page, body: "" };
  expect((await browser.send(foreign, FORGOT, { email: EMAIL })).status).toBe(403);
  expect((await browser.send(foreign, NEW_PASSWORD, {})).status).toBe(403);
  expect(t.server.taken).toEqual([]);
});

test("where an address is needed to register, the page has it confirmed first", async () => {
  t = await openMailApi({ registrationEmail: "required" });
  const browser = openBrowser(t);
  const fields = { username: "ann", password: "password", password_again: "password" };
  const empty = await browser.get(REGISTER);
  expect(empty.body).toContain('name="email"');
  expect((await browser.send(empty, REGISTER, { ...fields, email: "" })).status).toBe(400);
  const waiting = await browser.send(empty, REGISTER, { ...fields, email: EMAIL });
  expect([waiting.status, waiting.body]).toEqual([200, expect.stringContaining("A mail is on")]);
  const early = await browser.send(waiting, REGISTER, fields);
  expect([early.status, early.body]).toEqual([403, expect.stringContaining("Follow the link")]);
  await t.follow(await t.server.mailTo(EMAIL));
  const done = await browser.send(early, REGISTER, fields);
  expect(done.status).toBe(303);
  expect(await t.users.addresses.ownerOf(EMAIL)).toBe("@ann:here.test");
});

test("without a mail server the page says so, and is not linked", async () => {
  const bare = await openApi();
  const browser = openBrowser(bare);
  expect((await browser.get("/_weft/account/sign-in")).body).not.toContain(FORGOT);
  expect((await browser.get(FORGOT)).body).toContain("This server sends no mail");
  await bare.close();
});
