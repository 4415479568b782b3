/** Notifications by e-mail: once in a while, while nothing is read. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { linkIn, type MailServer, startMailServer } from "../mail/mail-server.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { eventually, until } from "../support/wait.ts";
import { type Gateway, read, roomOf, setPusher, startGateway } from "./fake-gateway.ts";

const MINUTE_MS = 60_000;
const DELAY_MS = 10 * MINUTE_MS;

let server: TestServer;
let mails: MailServer;
let alice: TestUser;
let bob: TestUser;
let address: string;
let roomId: string;
/** Another pusher of bob's: what it is told of, is planned to be mailed. */
let gateway: Gateway;
let people = 0;

beforeAll(async () => {
  mails = await startMailServer();
  server = await startServer(
    { smtp: { url: mails.url, from: "weft@here.test" } },
    { mortal: true },
  );
}, 60_000);
afterAll(async () => {
  await server?.close();
  await mails.stop();
}, 60_000);

beforeEach(async () => {
  people += 1;
  alice = await register(server, `alice${people}`);
  bob = await register(server, `bob${people}`);
  address = `bob${people}@there.test`;
  await give(bob, address);
  roomId = await roomOf(alice, bob);
  gateway = await startGateway();
  await setPusher(bob, gateway.url, { pushkey: address });
});
afterEach(() => gateway.stop());

const told = (count: number) => until(() => gateway.events().length === count);

/** As if the address had been confirmed. */
async function give(user: TestUser, email: string): Promise<void> {
  await server.database.sql`
    INSERT INTO account_addresses (medium, address, user_id, confirmed_ts, added_ts)
    VALUES ('email', ${email}, ${user.userId}, 0, 0)`;
}

const set = (user: TestUser, more: Body = {}) =>
  user.ask("POST", "/pushers/set", {
    ...{ kind: "email", app_id: "m.email", pushkey: address, lang: "en", append: true },
    ...{ app_display_name: "Mails", device_display_name: address, data: {} },
    ...more,
  });

interface Row {
  readonly behind: boolean;
  readonly retryTs: number;
  readonly mailedTs: number;
  readonly mailPause: number;
}

async function rowOf(user: TestUser): Promise<Row | undefined> {
  const [row] = await server.database.sql<Row[]>`
    SELECT behind, retry_ts AS "retryTs", mailed_ts AS "mailedTs", mail_pause AS "mailPause"
    FROM pushers WHERE user_id = ${user.userId} AND kind = 'email'`;
  return row;
}

const planned = (user: TestUser) =>
  eventually(`a mail is planned for ${user.userId}`, async () => {
    const row = await rowOf(user);
    return row?.behind === true ? row : undefined;
  });

/** So much time passes for all pushers. The server was stopped meanwhile, and looks when it starts. */
async function pass(ms: number): Promise<void> {
  await server.stop();
  await server.database.sql`
    UPDATE pushers SET retry_ts = retry_ts - ${ms}, mailed_ts = mailed_ts - ${ms}`;
  await server.restart();
}

const settled = (user: TestUser) => until(async () => (await rowOf(user))?.behind === false);
const mailsTo = (to: string) => mails.taken.filter((mail) => mail.to.includes(to));

test("is told in the language that the pusher was set with", async () => {
  expect((await set(bob, { lang: "de-CH" })).status).toBe(200);
  await alice.send(roomId, "first");
  await alice.call("PUT", `/rooms/${roomId}/send/m.room.message/hidden`, {
    msgtype: "m.text",
    ...{ body: "||the butler||", format: "org.matrix.custom.html" },
    formatted_body: "<span data-mx-spoiler>the butler</span>",
  });
  await planned(bob);
  await told(2);
  await pass(DELAY_MS);
  const mail = await mails.mailTo(address);
  await settled(bob);
  expect(mail.headers["subject"]).toMatch(/^Ungelesen in /);
  expect(mail.headers["content-language"]).toBe("de");
  expect(mail.text).toContain("Es gibt 2 Benachrichtigungen, die du noch nicht gesehen hast.");
  expect(mail.text).toContain("eine Nachricht mit verborgenen Wörtern");
  expect(mail.text).not.toContain("butler");
  expect(mail.html).toContain("Weiterlesen");
});

test("what is unread after ten minutes is told, and where to read on", async () => {
  expect((await set(bob)).status).toBe(200);
  await alice.call("PUT", `/rooms/${roomId}/state/m.room.name`, { name: "Garden <1>" });
  await alice.send(roomId, "first & <b>");
  await alice.send(roomId, "second\r\nBcc: eve@there.test");
  const { retryTs } = await planned(bob);
  expect(retryTs).toBeGreaterThan(Date.now());
  expect(retryTs).toBeLessThanOrEqual(Date.now() + DELAY_MS);
  await told(2);
  await pass(DELAY_MS);
  const mail = await mails.mailTo(address);
  await settled(bob);
  expect(mail.headers["subject"]).toBe(`Unread in Garden <1> on ${server.name}`);
  expect(mail.text).toContain("There are 2 notifications");
  expect(mail.text).toContain(`${alice.userId}: first & <b>`);
  expect(mail.text).toContain(`${alice.userId}: second Bcc: eve@there.test`);
  expect(mail.text).toContain(`${server.baseUrl}/#/room/${encodeURIComponent(roomId)}`);
  expect(mail.html).toContain("first &amp; &lt;b&gt;");
  expect(mail.html).not.toContain("<b>first");
  expect(mailsTo(address)).toHaveLength(1);
});

test("what was read in time is not told, nor what was said before the pusher was there", async () => {
  await alice.send(roomId, "long ago");
  await set(bob);
  const eventId = await alice.send(roomId, "read");
  await planned(bob);
  await read(bob, roomId, eventId);
  const carol = `carol${people}@there.test`;
  await give(alice, carol);
  await set(alice, { pushkey: carol });
  await bob.send(roomId, "unread");
  await planned(alice);
  await pass(DELAY_MS);
  await mails.mailTo(carol);
  await settled(bob);
  expect(mailsTo(address)).toEqual([]);
});

test("mails come at growing intervals, and soon again once something is read", async () => {
  await set(bob);
  const pauses: number[] = [];
  for (let number = 1; number <= 5; number += 1) {
    await alice.send(roomId, `message ${number}`);
    await planned(bob);
    await pass(24 * 60 * MINUTE_MS);
    const mail = await mails.mailTo(address, number);
    // Nothing is told twice.
    expect(mail.text).toContain("There is one notification");
    expect(mail.text).toContain(`message ${number}`);
    await settled(bob);
    const { mailPause, mailedTs } = (await rowOf(bob))!;
    pauses.push(mailPause / MINUTE_MS);
    // As if there had been no quiet half day.
    await server.stop();
    const quiet = Date.now() - mailPause;
    await server.database.sql`
      UPDATE pushers SET mailed_ts = greatest(${mailedTs}, ${quiet}::bigint) WHERE user_id = ${bob.userId}`;
    await server.restart();
  }
  expect(pauses).toEqual([10, 40, 160, 640, 1_440]);
  const eventId = await alice.send(roomId, "last");
  await planned(bob);
  await read(bob, roomId, eventId);
  const soon = await eventually("the next mail may come soon", async () => {
    const row = await rowOf(bob);
    return row?.mailPause === 0 ? row : undefined;
  });
  expect(soon.retryTs).toBeLessThanOrEqual(Date.now() + DELAY_MS);
});

test(
  "a mail that is due when the server is killed is written once",
  { timeout: 120_000 },
  async () => {
    await set(bob);
    await alice.send(roomId, "hello");
    await planned(bob);
    // What was evaluated is noted at a stop; else the ten minutes would begin again.
    await pass(0);
    await server.kill();
    await server.database.sql`UPDATE pushers SET retry_ts = 0 WHERE kind = 'email'`;
    await server.restart();
    await mails.mailTo(address);
    await server.kill();
    await server.restart();
    await settled(bob);
    expect(mailsTo(address)).toHaveLength(1);
  },
);

test("an invite is told, and an encrypted message without what it says", async () => {
  await set(bob);
  const { room_id: other } = await alice.call("POST", "/createRoom", { name: "Party" });
  await alice.call("POST", `/rooms/${other}/invite`, { user_id: bob.userId });
  const content = { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "xyz", session_id: "s" };
  const secret = { ...content, device_id: "D", sender_key: "k" };
  await alice.call("PUT", `/rooms/${roomId}/send/m.room.encrypted/t`, secret);
  await told(2);
  await planned(bob);
  await pass(DELAY_MS);
  const mail = await mails.mailTo(address);
  expect(mail.headers["subject"]).toContain("2 rooms");
  expect(mail.text).toContain("invites you");
  expect(mail.text).toContain("an encrypted message");
  expect(mail.text).not.toContain("xyz");
});

test("whoever has the mail ends the like of it by a button, or their program by one request", async () => {
  await set(bob);
  for (const way of ["button", "program"]) {
    const number = mailsTo(address).length + 1;
    await alice.send(roomId, "hello");
    await planned(bob);
    await pass(24 * 60 * MINUTE_MS);
    const mail = await mails.mailTo(address, number);
    const link = linkIn(mail, "/_weft/mail/unsubscribe");
    expect(mail.headers["list-unsubscribe"]).toContain(link);
    expect(mail.headers["list-unsubscribe-post"]).toBe("List-Unsubscribe=One-Click");
    expect((await fetch(server.baseUrl + link)).status).toBe(200);
    expect(await rowOf(bob)).toBeDefined();
    const forged = await fetch(server.baseUrl + link.replace("bob", "bo"), { method: "POST" });
    expect(forged.status).toBe(403);
    const body = way === "button" ? "" : "List-Unsubscribe=One-Click";
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const done = await fetch(server.baseUrl + link, { method: "POST", headers, body });
    expect(done.status).toBe(200);
    expect(await rowOf(bob)).toBeUndefined();
    await set(bob);
  }
});

test("mails go to addresses of the account only, and end with them, but not with a session", async () => {
  const eve = await register(server, `eve${people}`);
  const stranger = await set(eve);
  expect([stranger.status, stranger.body.errcode]).toEqual([400, "M_THREEPID_NOT_FOUND"]);
  const otherApp = await set(bob, { app_id: "other" });
  expect([otherApp.status, otherApp.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
  expect((await set(bob, { pushkey: address.toUpperCase() })).status).toBe(200);
  const { pushers } = await bob.call("GET", "/pushers");
  expect(pushers).toContainEqual(
    expect.objectContaining({ kind: "email", app_id: "m.email", pushkey: address }),
  );
  const identifier = { type: "m.id.user", user: bob.userId };
  const password = `bob${people}-Secret-1`;
  const login = { type: "m.login.password", identifier, password };
  const { access_token: token } = await alice.call("POST", "/login", login);
  await bob.call("POST", "/logout", {});
  expect(await rowOf(bob)).toBeDefined();
  const response = await fetch(`${server.baseUrl}/_matrix/client/v3/account/3pid/delete`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ medium: "email", address }),
  });
  expect(response.status).toBe(200);
  expect(await rowOf(bob)).toBeUndefined();
});

test("without a mail server there are none", async () => {
  const bare = await startServer();
  const eve = await register(bare, "eve");
  const refused = await set(eve);
  expect([refused.status, refused.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
  await bare.close();
});
