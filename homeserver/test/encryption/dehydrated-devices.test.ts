/** Dehydrated devices, as clients use them. (MSC3814.) */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { UserId } from "../../src/protocol/identifiers.ts";
import { signJson } from "../../src/protocol/signed-json.ts";
import { makeDevice, makeIdentity, publicKeyOf } from "../users/keys/devices.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { type Body, register, type TestUser } from "../support/user.ts";
import { anotherDevice, inbox, sendTo } from "./to-device/inbox.ts";

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let names = 0;

beforeAll(async () => {
  server = await startServer();
  bob = await register(server, "bob");
});

afterAll(() => server.close());

async function freshUser(): Promise<TestUser> {
  alice = await register(server, `alice${++names}`);
  return alice;
}

/** Ids of dehydrated devices are Curve25519 keys, which may hold slashes. */
const idOf = (seed: string) => `${publicKeyOf(seed).slice(0, 40)}/+a`;

function body(user: TestUser, deviceId: string, more: object = {}): Body {
  const device = makeDevice(user.userId as UserId, deviceId);
  return {
    device_id: deviceId,
    device_data: { algorithm: "org.matrix.msc3814.v2", device_pickle: "encrypted", nonce: "n" },
    initial_device_display_name: "Dehydrated device",
    device_keys: device.deviceKeys({ dehydrated: true }),
    one_time_keys: device.oneTimeKeys(["AAAA", "AAAB"]),
    fallback_keys: device.oneTimeKeys(["AAAF"], { fallback: true }),
    ...more,
  };
}

const path = "/unstable/org.matrix.msc3814.v1/dehydrated_device";
async function ask(user: TestUser, method: string, rest = "", content?: Body) {
  const response = await fetch(`${server.baseUrl}/_matrix/client${path}${rest}`, {
    method,
    headers: { authorization: `Bearer ${user.token}` },
    ...(content === undefined ? {} : { body: JSON.stringify(content) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}
const put = (user: TestUser, deviceId: string, more?: object) =>
  ask(user, "PUT", "", body(user, deviceId, more));
const events = (deviceId: string, query = "") => `/${encodeURIComponent(deviceId)}/events${query}`;

async function keysOf(user: TestUser): Promise<Record<string, Body>> {
  const { device_keys } = await bob.call("POST", "/keys/query", {
    device_keys: { [user.userId]: [] },
  });
  return device_keys[user.userId];
}

async function claim(user: TestUser, deviceId: string): Promise<string> {
  const answer = await bob.call("POST", "/keys/claim", {
    one_time_keys: { [user.userId]: { [deviceId]: "signed_curve25519" } },
  });
  return Object.keys(answer.one_time_keys[user.userId]?.[deviceId] ?? {})[0] ?? "none";
}

test("who has none is told so by the code that clients look for", async () => {
  await freshUser();
  for (const method of ["GET", "DELETE"]) {
    const { status, body: answer } = await ask(alice, method);
    expect([status, answer.errcode]).toEqual([404, "M_NOT_FOUND"]);
  }
});

test("it is stored with its keys, seen by others, and given back as it was", async () => {
  await freshUser();
  const id = idOf("stored");
  expect(await put(alice, id)).toEqual({ status: 200, body: { device_id: id } });
  const { device_data } = body(alice, id);
  expect(await ask(alice, "GET")).toEqual({ status: 200, body: { device_id: id, device_data } });
  expect((await keysOf(alice))[id]).toMatchObject({
    device_id: id,
    dehydrated: true,
    unsigned: { device_display_name: "Dehydrated device" },
  });
  expect([await claim(alice, id), await claim(alice, id), await claim(alice, id)]).toEqual([
    "signed_curve25519:AAAA",
    "signed_curve25519:AAAB",
    "signed_curve25519:AAAF",
  ]);
  const { devices } = await alice.call("GET", "/devices");
  expect(devices.map(({ device_id }: Body) => device_id)).toContain(id);
});

test("others see that its user has signed it, as they must before they encrypt for it", async () => {
  await freshUser();
  const identity = makeIdentity(alice.userId as UserId);
  await alice.call("POST", "/keys/device_signing/upload", identity.keys);
  const id = idOf("signed");
  const { device_keys } = body(alice, id);
  const signed = signJson(device_keys, alice.userId, identity.selfSigning);
  expect((await put(alice, id, { device_keys: signed })).status).toBe(200);
  expect((await keysOf(alice))[id]).toMatchObject({ signatures: signed["signatures"] });
  // A signature that is wrong is refused, and the device stays as it was.
  const other = makeIdentity(alice.userId as UserId, "other").selfSigning;
  const wrong = { ...other, keyId: identity.selfSigning.keyId };
  const forged = await put(alice, id, {
    device_keys: signJson(device_keys, alice.userId, wrong),
  });
  expect([forged.status, forged.body.errcode]).toEqual([400, "M_INVALID_SIGNATURE"]);
  expect((await keysOf(alice))[id]).toMatchObject({ signatures: signed["signatures"] });
});

test("messages for it stay, and are read in pages from the beginning, again and again", async () => {
  await freshUser();
  const id = idOf("messages");
  await put(alice, id);
  for (let n = 0; n < 5; n += 1) await sendTo(bob, { [alice.userId]: { [id]: { n } } });
  await sendTo(bob, { [alice.userId]: { "*": { n: 5 } } });
  for (let turn = 0; turn < 2; turn += 1) {
    const read: number[] = [];
    let query = "?limit=4";
    for (let pages = 0; pages < 2; pages += 1) {
      const { body: page } = await ask(alice, "GET", events(id, query));
      read.push(...page.events.map(({ content }: Body) => content.n));
      expect(page.next_batch === undefined).toBe(pages === 1);
      query = `?limit=4&from=${page.next_batch}`;
    }
    expect(read).toEqual([0, 1, 2, 3, 4, 5]);
  }
  const { body: all } = await ask(alice, "GET", events(id));
  expect(all.events[0]).toEqual({
    sender: bob.userId,
    type: "org.example.message",
    content: { n: 0 },
  });
  expect(all).not.toHaveProperty("next_batch");
});

test("older clients post for messages until there are none", async () => {
  await freshUser();
  const id = idOf("post");
  await put(alice, id);
  for (let n = 0; n < 3; n += 1) await sendTo(bob, { [alice.userId]: { [id]: { n } } });
  const first = await ask(alice, "POST", events(id), {});
  expect(first.body.events).toHaveLength(3);
  const { next_batch } = first.body;
  expect((await ask(alice, "POST", events(id), { next_batch })).body).toEqual({
    events: [],
    next_batch,
  });
  expect((await ask(alice, "POST", events(id))).body.events).toHaveLength(3);
});

test("the next one takes its place: the former ends with its keys and messages", async () => {
  await freshUser();
  const [former, next] = [idOf("former"), idOf("next")];
  await put(alice, former);
  await sendTo(bob, { [alice.userId]: { [former]: {} } });
  await put(alice, next);
  expect((await ask(alice, "GET")).body.device_id).toBe(next);
  expect(Object.keys(await keysOf(alice))).toEqual([next]);
  expect(await claim(alice, former)).toBe("none");
  expect(await inbox(server, { userId: alice.userId, deviceId: former })).toEqual([]);
  const { status, body: answer } = await ask(alice, "GET", events(former));
  expect([status, answer.errcode]).toEqual([403, "M_FORBIDDEN"]);
  // Also if it is the same one again: what it was given before is gone.
  await claim(alice, next);
  const keys = makeDevice(alice.userId as UserId, next);
  await put(alice, next, { one_time_keys: keys.oneTimeKeys(["BBBB"]), fallback_keys: {} });
  expect(Object.keys(await keysOf(alice))).toEqual([next]);
  expect(await claim(alice, next)).toBe("signed_curve25519:BBBB");
  expect(await claim(alice, next)).toBe("none");
});

test("many that are stored at once leave one", async () => {
  await freshUser();
  const ids = Array.from({ length: 8 }, (_, n) => idOf(`race ${n}`));
  const answers = await Promise.all(ids.map((id) => put(alice, id)));
  expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
  const { device_id } = (await ask(alice, "GET")).body;
  expect(Object.keys(await keysOf(alice))).toEqual([device_id]);
});

test("it goes by DELETE, by deleting the device, and by signing out everywhere", async () => {
  await freshUser();
  const id = idOf("gone");
  await put(alice, id);
  expect(await ask(alice, "DELETE")).toEqual({ status: 200, body: { device_id: id } });
  expect((await ask(alice, "GET")).status).toBe(404);
  expect(await keysOf(alice)).toEqual({});

  await put(alice, id);
  const uia = await alice.ask("DELETE", `/devices/${encodeURIComponent(id)}`, {});
  const username = alice.userId.slice(1, alice.userId.indexOf(":"));
  await alice.call("DELETE", `/devices/${encodeURIComponent(id)}`, {
    auth: {
      type: "m.login.password",
      identifier: { type: "m.id.user", user: username },
      password: `${username}-Secret-1`,
      session: uia.body.session,
    },
  });
  expect((await ask(alice, "GET")).status).toBe(404);

  await put(alice, id);
  await alice.call("POST", "/logout/all", {});
  alice = await anotherDevice(server, alice);
  expect((await ask(alice, "GET")).status).toBe(404);
  expect(await keysOf(alice)).toEqual({});
});

test("nobody signs in as it, and it is none that is signed in", async () => {
  await freshUser();
  const id = idOf("no sign-in");
  await put(alice, id);
  const login = await fetch(`${server.baseUrl}/_matrix/client/v3/login`, {
    method: "POST",
    body: JSON.stringify({
      type: "m.login.password",
      identifier: { type: "m.id.user", user: alice.userId },
      password: `alice${names}-Secret-1`,
      device_id: id,
    }),
  });
  expect([login.status, ((await login.json()) as Body).errcode]).toEqual([403, "M_FORBIDDEN"]);
  const own = await put(alice, alice.deviceId);
  expect([own.status, own.body.errcode]).toEqual([400, "M_INVALID_PARAM"]);
  expect((await ask(alice, "GET")).body.device_id).toBe(id);
  expect((await alice.ask("GET", "/account/whoami")).status).toBe(200);
});

const wrong: readonly [string, (user: TestUser, id: string) => object, number, string][] = [
  ["without keys", () => ({ device_keys: undefined }), 400, "M_MISSING_PARAM"],
  ["without data", () => ({ device_data: undefined }), 400, "M_MISSING_PARAM"],
  ["data of no algorithm", () => ({ device_data: {} }), 400, "M_BAD_JSON"],
  [
    "data over 64 KiB",
    () => ({ device_data: { algorithm: "a", device_pickle: "x".repeat(70_000) } }),
    ...([413, "M_TOO_LARGE"] as const),
  ],
  [
    "a long name",
    () => ({ initial_device_display_name: "x".repeat(1001) }),
    400,
    "M_INVALID_PARAM",
  ],
  ["a long id", () => ({ device_id: "x".repeat(300) }), 400, "M_INVALID_PARAM"],
  ["keys of another device", () => ({ device_id: "OTHER" }), 400, "M_INVALID_PARAM"],
  [
    "keys of another user",
    (_, id) => ({ device_keys: makeDevice(bob.userId as UserId, id).deviceKeys() }),
    ...([400, "M_INVALID_PARAM"] as const),
  ],
  [
    "one-time keys that another signed",
    (user) => ({
      one_time_keys: makeDevice(user.userId as UserId, "OTHER").oneTimeKeys(["AAAC"]),
    }),
    ...([400, "M_INVALID_SIGNATURE"] as const),
  ],
];
test.each(wrong)("%s: refused, and the former one stays", async (_, more, status, errcode) => {
  await freshUser();
  const [former, next] = [idOf("former"), idOf("wrong")];
  await put(alice, former);
  const answer = await put(alice, next, more(alice, next));
  expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
  expect((await ask(alice, "GET")).body.device_id).toBe(former);
  expect(Object.keys(await keysOf(alice))).toEqual([former]);
});

test("tokens that are none, and others' devices, are refused", async () => {
  await freshUser();
  const id = idOf("tokens");
  await put(alice, id);
  for (const from of ["x", "d", "d-1", "d9999999999999999999", "s1"]) {
    const { status, body: answer } = await ask(alice, "GET", events(id, `?from=${from}`));
    expect([status, answer.errcode]).toEqual([400, "M_INVALID_PARAM"]);
  }
  expect((await ask(bob, "GET", events(id))).status).toBe(403);
  expect((await ask(bob, "POST", events(id), {})).status).toBe(403);
  expect((await ask(alice, "GET", events(id, "?limit=100000"))).status).toBe(200);
});
