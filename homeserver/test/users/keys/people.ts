/** Users with cross-signing keys and a device, on a server of their own. */
import { afterAll, beforeAll, expect } from "vitest";
import type { UserId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { Keys } from "../../../src/users/keys/keys.ts";
import type { SignedKeys } from "../../../src/users/keys/signatures.ts";
import { id, openUsers, type TestUsers } from "../support.ts";
import { makeDevice, makeIdentity, type TestDevice, type TestIdentity } from "./devices.ts";

export let t: TestUsers;
export const keys = (): Keys => t.users.keys;

beforeAll(async () => {
  t = await openUsers();
});
afterAll(() => t.close());

export interface Person {
  userId: UserId;
  device: TestDevice;
  identity: TestIdentity;
}

let people = 0;

/** A user with a device, and with cross-signing keys unless `without` them. */
export async function person(without = false): Promise<Person> {
  const name = `user${(people += 1)}`;
  await t.users.registration.create(name, "pw");
  const userId = id(name);
  const device = await signIn(userId, "FIRST");
  const identity = makeIdentity(userId);
  if (!without) await keys().uploadCrossSigningKeys(userId, identity.keys, false);
  return { userId, device, identity };
}

export async function signIn(userId: UserId, deviceId: string): Promise<TestDevice> {
  await t.users.sessions.issue(userId, { deviceId });
  const device = makeDevice(userId, deviceId);
  await keys().upload(device, { device_keys: device.deviceKeys() });
  return device;
}

/** What somebody sees of a user, from memory; what anybody may see is as the tables have it. */
export async function seen(asker: UserId | undefined, target: UserId) {
  const wanted = new Map([[target, []]]);
  const found = await keys().query(asker, wanted);
  const device = (deviceId: string) => parsed(found.deviceKeys.get(target)?.get(deviceId));
  const open = await keys().readKeys(wanted);
  const read = open.deviceKeys.get(target);
  expect([...(found.deviceKeys.get(target)?.keys() ?? [])]).toEqual([...(read?.keys() ?? [])]);
  for (const [deviceId, object] of read ?? []) expect(device(deviceId)).toEqual(object);
  const selfSigning = parsed(found.selfSigningKeys.get(target));
  expect(selfSigning).toEqual(open.selfSigningKeys.get(target));
  const master = parsed(found.masterKeys.get(target));
  if (asker === undefined) expect(master).toEqual(open.masterKeys.get(target));
  return { device, master, selfSigning, userSigning: parsed(found.userSigningKeys.get(target)) };
}

function parsed(text: string | undefined): JsonObject | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as JsonObject);
}

export const names = (object: JsonObject | undefined, userId: UserId) =>
  Object.keys(((object?.["signatures"] ?? {}) as Record<UserId, JsonObject>)[userId] ?? {});

export async function failures(
  userId: UserId,
  signed: SignedKeys,
): Promise<[string, string, string][]> {
  const found = await keys().uploadSignatures(userId, signed);
  return [...found].flatMap(([target, ofKeys]) =>
    [...ofKeys].map(([key, { errcode }]): [string, string, string] => [target, key, errcode]),
  );
}

/** What the log told while the work was done. */
export async function toldBy(work: () => Promise<unknown>): Promise<string[]> {
  const before = t.told.length;
  await work();
  return t.told.slice(before);
}
