/** Pushers as clients set them, and when they end. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser, userOf } from "../support/user.ts";
import { pusherBody, setPusher } from "./fake-gateway.ts";

let server: TestServer;
let people = 0;
const URL = "https://gateway.test/_matrix/push/v1/notify";

beforeAll(async () => {
  server = await startServer();
}, 60_000);
afterAll(() => server?.close(), 60_000);

const someone = () => register(server, `person${(people += 1)}`);
const list = async (user: TestUser) => (await user.call("GET", "/pushers")).pushers as Body[];
const keysOf = async (user: TestUser) => (await list(user)).map(({ pushkey }) => pushkey as string);
const passwordOf = (user: TestUser) => `${user.userId.slice(1).split(":")[0]}-Secret-1`;

async function signIn(user: TestUser, deviceId?: string): Promise<TestUser> {
  const { body } = await user.ask("POST", "/login", {
    ...{ type: "m.login.password", password: passwordOf(user) },
    identifier: { type: "m.id.user", user: user.userId },
    device_id: deviceId,
  });
  return userOf(server, body);
}

/** Proves the user's password where that is asked for. */
async function proven(user: TestUser, path: string, body: Body): Promise<void> {
  const first = await user.ask("POST", path, body);
  const auth = {
    ...{ type: "m.login.password", password: passwordOf(user), session: first.body.session },
    identifier: { type: "m.id.user", user: user.userId },
  };
  await user.call("POST", path, { ...body, auth });
}

test("a pusher is listed as it was set, changed by its app and pushkey, and deleted", async () => {
  const user = await someone();
  const data = { format: "event_id_only", custom: { deep: [true] } };
  await setPusher(user, URL, { profile_tag: "tag", data });
  const listed = { ...pusherBody(URL, { profile_tag: "tag", data }) };
  expect(await list(user)).toEqual([listed]);
  await setPusher(user, URL, { lang: "de" });
  expect(await list(user)).toEqual([pusherBody(URL, { lang: "de" })]);
  await setPusher(user, URL, { pushkey: "second" });
  expect(await keysOf(user)).toEqual(["key", "second"]);
  await user.call("POST", "/pushers/set", {
    kind: null,
    app_id: "org.example.app",
    pushkey: "key",
  });
  await user.call("POST", "/pushers/set", { kind: null, app_id: "org.example.app", pushkey: "-" });
  expect(await keysOf(user)).toEqual(["second"]);
});

test.each<[string, Body, string]>([
  ["another kind", { kind: "carrier-pigeon" }, "M_INVALID_PARAM"],
  ["the kind e-mail", { kind: "email", app_id: "m.email", pushkey: "a@b.test" }, "M_INVALID_PARAM"],
  ["no name of its app", { app_display_name: undefined }, "M_MISSING_PARAM"],
  ["no name of its device", { device_display_name: undefined }, "M_MISSING_PARAM"],
  ["no language", { lang: undefined }, "M_MISSING_PARAM"],
  ["null for its language", { lang: null }, "M_MISSING_PARAM"],
  ["no pushkey", { pushkey: undefined }, "M_MISSING_PARAM"],
  ["no kind", { kind: undefined }, "M_MISSING_PARAM"],
  ["no address", { data: { url: undefined } }, "M_MISSING_PARAM"],
  ["no URL", { data: { url: "gateway" } }, "M_INVALID_PARAM"],
  ["another path", { data: { url: "https://gateway.test/notify" } }, "M_INVALID_PARAM"],
  ["another protocol", { data: { url: URL.replace("https", "file") } }, "M_INVALID_PARAM"],
  ["a password", { data: { url: URL.replace("//", "//a:b@") } }, "M_INVALID_PARAM"],
  ["an address of another type", { data: { url: 1 } }, "M_BAD_JSON"],
  ["a long app id", { app_id: "a".repeat(65) }, "M_BAD_JSON"],
  ["a long pushkey", { pushkey: "ä".repeat(300) }, "M_INVALID_PARAM"],
  ["too much data", { data: { much: "x".repeat(17_000) } }, "M_INVALID_PARAM"],
  ["NUL in its data", { data: { a: "\0" } }, "M_INVALID_PARAM"],
  ["half a character in its data", { data: { a: "\ud800" } }, "M_BAD_JSON"],
])("a pusher with %s is refused", async (_what, wrong, errcode) => {
  const user = await someone();
  const body = pusherBody(URL, wrong);
  const answer = await user.ask("POST", "/pushers/set", body);
  expect([answer.status, answer.body.errcode]).toEqual([400, errcode]);
  expect(await list(user)).toEqual([]);
});

test("where private addresses are not allowed, neither they nor plain HTTP are", async () => {
  const strict = await startServer({ allowPrivateAddresses: false });
  const user = await register(strict, "someone");
  const hosts = ["https://127.0.0.1", "https://[::1]", "https://10.1.2.3", "https://0x7f.1"];
  for (const host of [...hosts, "http://gateway.test"]) {
    const url = `${host}/_matrix/push/v1/notify`;
    const answer = await user.ask("POST", "/pushers/set", pusherBody(url));
    expect([host, answer.status, answer.body.errcode]).toEqual([host, 400, "M_INVALID_PARAM"]);
  }
  await setPusher(user, URL);
  await strict.close();
});

test("without append, a pushkey belongs to the user who set it last", async () => {
  const [one, other, third] = [await someone(), await someone(), await someone()];
  await setPusher(one, URL, { pushkey: "shared" });
  await setPusher(other, URL, { pushkey: "shared", append: true });
  expect([await keysOf(one), await keysOf(other)]).toEqual([["shared"], ["shared"]]);
  await setPusher(third, URL, { pushkey: "shared" });
  expect([await keysOf(one), await keysOf(other), await keysOf(third)]).toEqual([
    ...[[], [], ["shared"]],
  ]);
});

test("a user has fifty pushers: the oldest goes for one more", async () => {
  const user = await someone();
  for (let n = 0; n <= 50; n += 1) await setPusher(user, URL, { pushkey: `key-${n}` });
  const keys = await keysOf(user);
  expect([keys.length, keys[0], keys.at(-1)]).toEqual([50, "key-1", "key-50"]);
});

test("a pusher ends with the session that set it", async () => {
  const user = await someone();
  const phone = await signIn(user, "PHONE");
  await setPusher(user, URL, { pushkey: "first" });
  await setPusher(phone, URL, { pushkey: "phone" });
  await phone.call("POST", "/logout", {});
  expect(await keysOf(user)).toEqual(["first"]);
  const again = await signIn(user, "PHONE");
  await setPusher(again, URL, { pushkey: "phone" });
  await signIn(user, "PHONE");
  expect(await keysOf(user)).toEqual(["first"]);
  await proven(user, "/delete_devices", { devices: [user.deviceId] });
  expect(await keysOf(await signIn(user))).toEqual([]);
});

test("a new password ends the pushers of the sessions that it ends", async () => {
  const user = await someone();
  const phone = await signIn(user, "PHONE");
  await setPusher(user, URL, { pushkey: "mine" });
  await setPusher(phone, URL, { pushkey: "phone" });
  const { userId } = user;
  const password = passwordOf(user);
  await proven(user, "/account/password", { new_password: password, logout_devices: false });
  expect(await keysOf(user)).toEqual(["mine", "phone"]);
  await proven(user, "/account/password", { new_password: password });
  expect(await keysOf(user)).toEqual(["mine"]);
  await proven(user, "/account/deactivate", {});
  const rows = await server.database.sql`SELECT 1 FROM pushers WHERE user_id = ${userId}`;
  expect(rows.length).toBe(0);
});
