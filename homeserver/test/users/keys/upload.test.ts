import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MatrixError } from "../../../src/protocol/errors.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { createKeyQueries } from "../../../src/users/keys/queries.ts";
import type { KeyUpload } from "../../../src/users/keys/types.ts";
import { errcodeOf, id, openUsers, type TestUsers } from "../support.ts";
import { makeDevice, publicKeyOf, type TestDevice } from "./devices.ts";

let t: TestUsers;
const alice = id("alice");
const ALGORITHM = "signed_curve25519";

beforeAll(async () => {
  t = await openUsers();
  await t.users.registration.create("alice", "pw");
});
afterAll(() => t.close());

async function signIn(deviceId: string): Promise<TestDevice> {
  await t.users.sessions.issue(alice, { deviceId });
  return makeDevice(alice, deviceId);
}

/** A device whose identity keys are uploaded. */
async function ready(deviceId: string): Promise<TestDevice> {
  const device = await signIn(deviceId);
  await t.users.keys.upload(device, { device_keys: device.deviceKeys() });
  return device;
}

async function read(device: TestDevice): Promise<JsonObject | undefined> {
  const { userId, deviceId } = device;
  const { deviceKeys } = await t.users.keys.query(userId, new Map([[userId, [deviceId]]]));
  const text = deviceKeys.get(userId)?.get(deviceId);
  return text === undefined ? undefined : (JSON.parse(text) as JsonObject);
}

async function failure(device: TestDevice, upload: KeyUpload): Promise<[string, string]> {
  try {
    await t.users.keys.upload(device, upload);
    return ["nothing", ""];
  } catch (error) {
    const { errcode, message } = error as MatrixError;
    return [errcode, message];
  }
}

describe("identity keys", () => {
  test("are read as they were uploaded, with the device's name", async () => {
    const device = makeDevice(alice, "NAMED");
    const names = { deviceId: "NAMED", initialDeviceDisplayName: "Phone" };
    await t.users.sessions.issue(alice, names);
    const keys = device.deviceKeys({ "org.example.more": [1, { a: null }] });
    await t.users.keys.upload(device, { device_keys: keys });
    expect(await read(device)).toEqual({
      ...keys,
      unsigned: { device_display_name: "Phone" },
    });
    await t.users.devices.rename(alice, "NAMED", "Telephone");
    expect(await read(device)).toMatchObject({ unsigned: { device_display_name: "Telephone" } });
  });

  test("that did not change tell nobody anything", async () => {
    const device = await signIn("AGAIN");
    const before = t.told.length;
    const upload = { device_keys: device.deviceKeys() };
    await t.users.keys.upload(device, upload);
    await t.users.keys.upload(device, upload);
    expect(t.told.slice(before)).toEqual([`changed ${alice} AGAIN`]);
  });

  test("stay when their device signs in again, and end with it", async () => {
    const device = await ready("STAYS");
    await t.users.keys.upload(device, { one_time_keys: device.oneTimeKeys(["A"]) });
    await signIn("STAYS");
    expect(await read(device)).toBeDefined();
    await t.users.devices.remove(alice, ["STAYS"]);
    expect(await read(device)).toBeUndefined();
    expect(await t.users.keys.claim([{ ...device, algorithm: ALGORITHM }])).toEqual([]);
    expect((await t.users.keys.counts(device)).oneTimeKeys).toEqual({});
    await signIn("STAYS");
    expect(await read(device)).toBeUndefined();
    // A device of that name may have other keys now.
    const other = makeDevice(alice, "STAYS", "other");
    await t.users.keys.upload(other, { device_keys: other.deviceKeys() });
    expect(await read(other)).toEqual(other.deviceKeys());
  });

  test("of a device that is gone are not stored", async () => {
    const device = makeDevice(alice, "GONE");
    const upload = { device_keys: device.deviceKeys() };
    expect(await errcodeOf(t.users.keys.upload(device, upload))).toBe("M_UNKNOWN_TOKEN");
    expect(await read(device)).toBeUndefined();
  });

  test("can have further keys and algorithms, and lose none", async () => {
    const device = await ready("MORE");
    const { keys } = device.deviceKeys() as { keys: JsonObject };
    const more = device.deviceKeys({ algorithms: [], keys: { ...keys, "new:MORE": "k" } });
    await t.users.keys.upload(device, { device_keys: more });
    expect(await read(device)).toEqual(more);
    for (const changed of [keys, { ...keys, "new:MORE": "other" }]) {
      const device_keys = device.deviceKeys({ keys: changed });
      const [errcode, message] = await failure(device, { device_keys });
      expect([errcode, message]).toEqual(["M_INVALID_PARAM", expect.stringContaining("new:MORE")]);
    }
    const impostor = makeDevice(alice, "MORE", "impostor");
    const [errcode] = await failure(impostor, { device_keys: impostor.deviceKeys() });
    expect(errcode).toBe("M_INVALID_PARAM");
    expect(await read(device)).toEqual(more);
  });
});

describe("one-time keys", () => {
  test("may be uploaded again, and are not revived by that once they were claimed", async () => {
    const device = await ready("REPEATS");
    const upload = { one_time_keys: device.oneTimeKeys(["A", "B", "C"]) };
    const wanted = [{ ...device, algorithm: ALGORITHM }];
    await t.users.keys.upload(device, upload);
    const [claimed] = await t.users.keys.claim(wanted);
    expect(claimed?.name).toBe(`${ALGORITHM}:A`);
    const counts = await t.users.keys.upload(device, upload);
    expect(counts.oneTimeKeys).toEqual({ [ALGORITHM]: 2 });
    const names = [await t.users.keys.claim(wanted), await t.users.keys.claim(wanted)];
    expect(names.flat().map(({ name }) => name)).toEqual([`${ALGORITHM}:B`, `${ALGORITHM}:C`]);
    expect(await t.users.keys.claim(wanted)).toEqual([]);
  });

  test("of one id that are others are refused, and nothing with them is stored", async () => {
    const device = await ready("CLASH");
    await t.users.keys.upload(device, { one_time_keys: device.oneTimeKeys(["A"]) });
    const upload = {
      one_time_keys: {
        ...device.oneTimeKeys(["B"]),
        [`${ALGORITHM}:A`]: device.oneTimeKey("another"),
      },
      fallback_keys: device.oneTimeKeys(["F"]),
    };
    const [errcode, message] = await failure(device, upload);
    expect(errcode).toBe("M_INVALID_PARAM");
    expect(message).toMatch(/^One time key signed_curve25519:A already exists\. Old key: \{/);
    expect(await t.users.keys.counts(device)).toEqual({
      oneTimeKeys: { [ALGORITHM]: 1 },
      unusedFallbackTypes: [],
    });
  });

  test("of an id that was claimed may be others", async () => {
    const device = await ready("REUSES");
    const wanted = [{ ...device, algorithm: ALGORITHM }];
    await t.users.keys.upload(device, { one_time_keys: device.oneTimeKeys(["A"]) });
    await t.users.keys.claim(wanted);
    const another = { [`${ALGORITHM}:A`]: device.oneTimeKey("another") };
    await t.users.keys.upload(device, { one_time_keys: another });
    const [claimed] = await t.users.keys.claim(wanted);
    expect(JSON.parse(claimed?.text ?? "")).toEqual(device.oneTimeKey("another"));
  });

  test("are at most 500 of a device, and 500 in one upload", async () => {
    const device = await ready("LIMIT");
    const ids = (count: number, prefix: string) =>
      Array.from({ length: count }, (_, n) => `${prefix}${n}`);
    const tooMany = { one_time_keys: device.oneTimeKeys(ids(501, "K")) };
    expect(await failure(device, tooMany)).toEqual(["M_TOO_LARGE", expect.anything()]);
    await t.users.keys.upload(device, { one_time_keys: device.oneTimeKeys(ids(500, "K")) });
    const more = { one_time_keys: device.oneTimeKeys(["L"]) };
    expect(await failure(device, more)).toEqual(["M_TOO_LARGE", expect.anything()]);
    await t.users.keys.claim([{ ...device, algorithm: ALGORITHM }]);
    await t.users.keys.upload(device, more);
  });

  test("are of at most ten algorithms, also after they were claimed", async () => {
    const device = await ready("ALGORITHMS");
    const upload = (n: number) => ({ one_time_keys: { [`org.example.${n}:1`]: { n } } });
    for (let n = 0; n < 10; n += 1) {
      await t.users.keys.upload(device, upload(n));
      expect(await t.users.keys.claim([{ ...device, algorithm: `org.example.${n}` }])).toHaveLength(
        1,
      );
    }
    expect(await failure(device, upload(10))).toEqual(["M_TOO_LARGE", expect.anything()]);
    await t.users.keys.upload(device, { one_time_keys: { "org.example.9:2": {} } });
  });

  test("that were given out are forgotten when newer ones have been, and not before", async () => {
    const device = await ready("REMEMBERS");
    const wanted = [{ ...device, algorithm: ALGORITHM }];
    const ids = Array.from({ length: 499 }, (_, n) => `K${n}`);
    const upload = async (names: string[]) =>
      t.users.keys.upload(device, { one_time_keys: device.oneTimeKeys(names) });
    const claimAll = (count: number) =>
      Promise.all(Array.from({ length: count }, () => t.users.keys.claim(wanted)));
    await upload(["OLD"]);
    await claimAll(1);
    await upload(ids);
    await claimAll(499);
    await upload(["OLD", "NEW"]);
    expect(await claimAll(2)).toMatchObject([[{ name: `${ALGORITHM}:NEW` }], []]);
    await upload(["NEWER"]);
    expect((await upload(["OLD"])).oneTimeKeys).toEqual({ [ALGORITHM]: 2 });
  });

  test("of unknown algorithms are kept as they are", async () => {
    const device = await ready("FUTURE");
    const keys: JsonObject = {
      "org.example.kem:1": { any: ["thing"] },
      "curve25519:AAAA": publicKeyOf("plain"),
    };
    await t.users.keys.upload(device, { one_time_keys: keys });
    for (const [name, key] of Object.entries(keys)) {
      const algorithm = name.slice(0, name.indexOf(":"));
      const [claimed] = await t.users.keys.claim([{ ...device, algorithm }]);
      expect([claimed?.name, JSON.parse(claimed?.text ?? "")]).toEqual([name, key]);
    }
  });
});

describe("fallback keys", () => {
  test("are replaced, and stay used when they are uploaded again", async () => {
    const device = await ready("FALLBACK");
    const wanted = [{ ...device, algorithm: ALGORITHM }];
    const unused = async () => (await t.users.keys.counts(device)).unusedFallbackTypes;
    const first = { fallback_keys: device.oneTimeKeys(["F1"], { fallback: true }) };
    await t.users.keys.upload(device, first);
    expect(await unused()).toEqual([ALGORITHM]);
    await t.users.keys.claim(wanted);
    await t.users.keys.upload(device, first);
    expect(await unused()).toEqual([]);
    await t.users.keys.upload(device, { fallback_keys: device.oneTimeKeys(["F2"]) });
    expect(await unused()).toEqual([ALGORITHM]);
    expect((await t.users.keys.claim(wanted))[0]?.name).toBe(`${ALGORITHM}:F2`);
  });
});

test("a query whose answer would be too long names the first users, and says that it is cut", async () => {
  const device = await ready("LONG");
  const names = Array.from({ length: 101 }, (_, n) => id(`somebody${n}`));
  const wanted = new Map([device.userId, ...names].map((userId) => [userId, []]));
  const short = createKeyQueries({ sql: t.sql, log: t.log, maxBytes: 100 });
  const cut = await short.query(alice, wanted);
  short.stop();
  expect([cut.isCut, cut.deviceKeys.has(alice)]).toEqual([true, true]);
  const whole = await t.users.keys.query(alice, wanted);
  expect(whole.isCut).toBe(false);
});
