import { expect, test } from "vitest";
import {
  type RemoteList,
  remoteListOf,
  updatedCrossSigning,
  updatedDevice,
} from "../../src/encryption/device-lists/remote-keys.ts";
import { createYielder } from "../../src/platform/yielder.ts";
import type { UserId } from "../../src/protocol/identifiers.ts";
import type { Json, JsonObject } from "../../src/protocol/json.ts";
import {
  crossSigning,
  crossSigningKey,
  deviceOf,
  type Keys,
  newKey,
  signed,
} from "./keys-of-others.ts";

const BOB = "@bob:there.example" as UserId;
const { master, selfSigning } = crossSigning(BOB);

interface Told {
  readonly devices?: readonly (readonly [string, Json | undefined, (Json | undefined)?])[];
  readonly masterKey?: Json;
  readonly selfSigningKey?: Json;
}

function read({ devices = [], masterKey, selfSigningKey }: Told): Promise<RemoteList> {
  const told = devices.map(([deviceId, keys, displayName]) => ({ deviceId, keys, displayName }));
  return remoteListOf(BOB, { devices: told, masterKey, selfSigningKey }, createYielder(5));
}

const ids = (list: RemoteList) => list.devices.map(({ deviceId }) => deviceId);
const own = (keys: JsonObject) => (keys.signatures as Record<string, JsonObject>)[BOB]!;

test("a list is kept as it was told, without what no signature covers", async () => {
  const phone = deviceOf(BOB, "PHONE", selfSigning);
  const list = await read({
    devices: [["PHONE", { ...phone.object, unsigned: { x: 1 } }, "Bob's phone"]],
    masterKey: master.object,
    selfSigningKey: selfSigning.object,
  });
  expect(list.devices.map((one) => one.displayName)).toEqual(["Bob's phone"]);
  expect(JSON.parse(list.devices[0]!.keys)).toEqual(phone.object);
  expect(JSON.parse(list.selfSigningKey!)).toEqual(selfSigning.object);
  expect(JSON.parse(list.masterKey!).keys).toEqual(master.object.keys);
});

const good = deviceOf(BOB, "D").object;
const { signatures: _none, ...unsigned } = good;
const stranger = deviceOf("@eve:third.example", "D").object;

test.each<[string, string, Json | undefined]>([
  ["without keys", "D", undefined],
  ["that are no object", "D", 7],
  ["of another user", "D", stranger],
  ["of another device", "E", good],
  ["without a signature", "D", unsigned],
  ["changed after they were signed", "D", { ...good, algorithms: ["m.other"] }],
  ["signed by another key", "D", signed(unsigned, BOB, { "ed25519:D": newKey() })],
  ["without algorithms", "D", { ...good, algorithms: undefined }],
  ["with a key that is no text", "D", { ...good, keys: { ...(good.keys as object), x: 1 } }],
  ["that are too long", "D", signed({ ...unsigned, x: "x".repeat(20_000) }, BOB, {})],
  ["with a number that canonical JSON forbids", "D", { ...good, x: 1.5 }],
  ["with an id that is too long", "D".repeat(300), good],
])("a device with keys %s is left out, and the others are kept", async (_what, id, keys) => {
  const list = await read({
    devices: [
      [id, keys],
      ["OTHER", deviceOf(BOB, "OTHER").object],
    ],
  });
  expect(ids(list)).toEqual(["OTHER"]);
});

test("signatures that are wrong, unknown or somebody else's are not kept", async () => {
  const { object } = deviceOf(BOB, "D", selfSigning);
  const forged = crossSigning(BOB);
  const name = Object.keys(selfSigning.object.keys as object)[0]!;
  const mine = own(object);
  const more = {
    [BOB]: { ...mine, [name]: mine["ed25519:D"], "ed25519:OLD": mine["ed25519:D"] },
    "@eve:third.example": mine,
  };
  const list = await read({
    devices: [["D", { ...object, signatures: more as Json }]],
    masterKey: { ...master.object, signatures: more as Json },
    selfSigningKey: selfSigning.object,
  });
  expect(JSON.parse(list.devices[0]!.keys).signatures).toEqual({
    [BOB]: { "ed25519:D": mine["ed25519:D"] },
  });
  expect(JSON.parse(list.masterKey!).signatures).toEqual({ [BOB]: {} });
  const broken = await read({
    masterKey: master.object,
    selfSigningKey: forged.selfSigning.object,
  });
  expect([broken.masterKey !== null, broken.selfSigningKey]).toEqual([true, null]);
});

test("a master key keeps the signatures of its user's devices", async () => {
  const phone = deviceOf(BOB, "PHONE");
  const byPhone = signed(master.object, BOB, { "ed25519:PHONE": phone.key });
  const list = await read({ devices: [["PHONE", phone.object]], masterKey: byPhone });
  expect(JSON.parse(list.masterKey!)).toEqual(byPhone);
});

test.each<[string, Keys]>([
  ["another user's", crossSigning("@eve:third.example").master],
  ["one for another use", crossSigningKey(BOB, "self_signing")],
  ["with two keys", { ...master, object: { ...master.object, keys: { a: "b", c: "d" } } }],
  ["with another name", { ...master, object: { ...master.object, keys: { "ed25519:x": "y" } } }],
])("a master key that is %s is left out, and what it signed, too", async (_what, { object }) => {
  const list = await read({ masterKey: object, selfSigningKey: selfSigning.object });
  expect([list.masterKey, list.selfSigningKey]).toEqual([null, null]);
});

test("an update signed by a self-signing key that is not known is no news of one device", () => {
  const { object: keys } = deviceOf(BOB, "D", selfSigning);
  const told = { deviceId: "D", keys, displayName: undefined };
  expect(updatedDevice(BOB, told, null)).toBe("unknown signer");
  const known = updatedDevice(BOB, told, JSON.stringify(selfSigning.object));
  expect(JSON.parse((known as { keys: string }).keys)).toEqual(keys);
  expect(updatedDevice(BOB, { ...told, keys: undefined }, null)).toBeUndefined();
});

test("cross-signing keys of an update have to belong together", async () => {
  const before = await read({ masterKey: master.object, selfSigningKey: selfSigning.object });
  const next = crossSigning(BOB);
  const update = (masterKey?: Json, selfSigningKey?: Json) =>
    updatedCrossSigning(BOB, before, { masterKey, selfSigningKey });
  expect(update(next.master.object)).toBeUndefined();
  expect(update(undefined, next.selfSigning.object)).toBeUndefined();
  const both = update(next.master.object, next.selfSigning.object)!;
  expect(JSON.parse(both.selfSigningKey!)).toEqual(next.selfSigning.object);
  const another = crossSigningKey(BOB, "self_signing", master);
  expect(JSON.parse(update(undefined, another.object)!.selfSigningKey!)).toEqual(another.object);
});
