/** Keys between two whole servers. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/server.ts";
import { register, type TestUser, userOf } from "../support/user.ts";
import { deviceOf, type Keys, newKey, signed } from "./keys-of-others.ts";

let one: TestServer;
let two: TestServer;
let alice: TestUser;
let bob: TestUser;
let phone: Keys;

beforeAll(async () => {
  [one, two] = await Promise.all([startServer(), startServer()]);
  [alice, bob] = [await register(one, "alice"), await register(two, "bob")];
  phone = deviceOf(bob.userId, bob.deviceId);
  const keys = { device_keys: phone.object, one_time_keys: oneTimeKeys("A", "B") };
  await bob.call("POST", "/keys/upload", keys);
});
afterAll(() => Promise.all([one.close(), two.close()]));

function oneTimeKeys(...ids: string[]) {
  const entries = ids.map((id) => {
    const key = { key: newKey().publicKeyBase64 };
    const signers = { [`ed25519:${bob.deviceId}`]: phone.key };
    return [`signed_curve25519:${id}`, signed(key, bob.userId, signers)] as const;
  });
  return Object.fromEntries(entries);
}

const query = (userIds: string[], timeout?: number) =>
  alice.call("POST", "/keys/query", {
    device_keys: Object.fromEntries(userIds.map((userId) => [userId, []])),
    timeout,
  });

const claim = () =>
  alice.call("POST", "/keys/claim", {
    one_time_keys: { [bob.userId]: { [bob.deviceId]: "signed_curve25519", NONE: "x" } },
  });

test("keys of a user who shares no room are asked for, each time, and not kept", async () => {
  const unknown = `@nobody:${two.name}`;
  const found = await query([bob.userId, unknown]);
  const { unsigned: _unsigned, ...keys } = found.device_keys[bob.userId][bob.deviceId];
  expect(keys).toEqual(phone.object);
  expect(found.failures).toEqual({});
  expect(await one.database.sql`SELECT FROM remote_device_lists`).toHaveLength(0);
});

test("one-time keys of another server are each given out once, in order", async () => {
  const ids = [];
  for (let n = 0; n < 3; n += 1) {
    const { one_time_keys: keys, failures } = await claim();
    expect(failures).toEqual({});
    ids.push(...Object.keys(keys[bob.userId]?.[bob.deviceId] ?? {}));
  }
  expect(ids).toEqual(["signed_curve25519:A", "signed_curve25519:B"]);
});

/** A room with alice and bob. */
async function shareRoom(): Promise<string> {
  const roomId = (await alice.call("POST", "/createRoom", { preset: "public_chat" })).room_id;
  await bob.call("POST", `/join/${encodeURIComponent(roomId)}?via=${one.name}`, {});
  await alice.syncUntil(undefined, (body) =>
    JSON.stringify(body.rooms?.join?.[roomId] ?? "").includes(bob.userId),
  );
  return roomId;
}

/** Syncs until alice is told that bob's list changed; answers the token. */
async function untilTold(since: string): Promise<string> {
  const body = await alice.syncUntil(since, ({ device_lists }) =>
    device_lists?.changed?.includes(bob.userId),
  );
  return body.next_batch;
}

const devicesOfBob = async () => {
  const { device_keys, failures } = await query([bob.userId]);
  return [Object.keys(device_keys[bob.userId] ?? {}).toSorted(), failures];
};

test("the list of a user who shares a room is kept, and read no more while it is right", async () => {
  await shareRoom();
  const first = await query([bob.userId]);
  await two.stop();
  const second = await query([bob.userId]);
  expect(second).toEqual(first);
  // Whom nobody knows has to be asked for, and the server is away.
  const away = await query([`@carol:${two.name}`, alice.userId, bob.userId], 1_000);
  expect(Object.keys(away.failures)).toEqual([two.name]);
  expect(Object.keys(away.device_keys)).toEqual([alice.userId, bob.userId]);
  expect(Object.keys((await claim()).failures)).toEqual([two.name]);
  await two.restart();
});

test("what becomes of a user's devices is told, and known without a question", async () => {
  await shareRoom();
  await devicesOfBob();
  let { next_batch: since } = await alice.sync();
  const password = "bob-Secret-1";
  const identifier = { type: "m.id.user", user: "bob" };
  const login = { type: "m.login.password", identifier, password, device_id: "SECOND" };
  const session = await bob.call("POST", "/login", login);
  const second = userOf(two, session);
  const keys = { device_keys: deviceOf(bob.userId, "SECOND").object };
  await second.call("POST", "/keys/upload", keys);
  since = await untilTold(since);
  await two.stop();
  expect(await devicesOfBob()).toEqual([[bob.deviceId, "SECOND"].toSorted(), {}]);
  await two.restart();
  await second.call("POST", "/logout", {});
  since = await untilTold(since);
  await two.stop();
  expect(await devicesOfBob()).toEqual([[bob.deviceId], {}]);
  await two.restart();
  const { session: uia } = (await bob.ask("POST", "/account/deactivate", {})).body;
  const auth = { type: "m.login.password", identifier, password, session: uia };
  await bob.call("POST", "/account/deactivate", { auth });
  await untilTold(since);
  expect(await devicesOfBob()).toEqual([[], {}]);
});
