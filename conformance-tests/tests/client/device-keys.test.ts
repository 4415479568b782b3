import { clause, clientApi, theSubject } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { createDevice, keysOf, uploadDevice } from "../../harness/device-keys.ts";
import type { JsonObject } from "../../harness/json.ts";
import { must, mustEqual, mustEqualAsSets, mustFail } from "../../harness/must.ts";
import { twoUsers } from "../../harness/two-users.ts";
import { logIn, registerUser, type User } from "../../harness/users.ts";

const UPLOAD = clientApi("post_matrixclientv3keysupload");
const QUERY = clientApi("post_matrixclientv3keysquery");
const UPLOADING = clientApi("uploading-keys");
const DEVICE_KEYS = clientApi("device-keys");

const upload = (user: User, body: object) => user.request("uploadKeys", { body });
const newUser = () => registerUser(theSubject(), "keys");
/** Codes of a body that has not the right shape, or not the right values. */
const BAD = ["M_BAD_JSON", "M_INVALID_PARAM", "M_MISSING_PARAM"];

clause(QUERY, "a device's keys are as they were uploaded, with its name beside them", async () => {
  const [alice, bob] = await twoUsers();
  const phone = await logIn(alice, { initial_device_display_name: "Phone" });
  const device = await uploadDevice(phone);
  for (const asker of [alice, bob]) {
    const { [phone.deviceId]: found, ...others } = (await keysOf(asker, alice.userId)).devices;
    mustEqual(
      found,
      { ...device.deviceKeys(), unsigned: { device_display_name: "Phone" } },
      "the keys",
    );
    mustEqual(others, {}, "devices without keys");
  }
});

clause(
  QUERY,
  "of each user the named devices are answered, and all when none is named",
  async () => {
    const [alice, bob] = await twoUsers();
    const second = await logIn(alice);
    const third = await logIn(alice);
    for (const user of [alice, second, third, bob]) await uploadDevice(user);
    const body = {
      device_keys: { [alice.userId]: [second.deviceId, third.deviceId], [bob.userId]: [] },
    };
    const { device_keys: found } = await bob.call("queryKeys", { body });
    const devices = (userId: string) => Object.keys(found?.[userId] ?? {});
    mustEqualAsSets(devices(alice.userId), [second.deviceId, third.deviceId], "named devices");
    mustEqual(devices(bob.userId), [bob.deviceId], "all devices");
  },
);

clause(QUERY, "unknown users and devices are missing, and no failure", async () => {
  const [alice, bob] = await twoUsers();
  await uploadDevice(alice);
  const nobody = `@${unique("nobody")}:${theSubject().serverName}`;
  const body = { device_keys: { [alice.userId]: ["NONE"], [nobody]: [], [bob.userId]: [] } };
  const answer = await bob.call("queryKeys", { body });
  for (const userId of [alice.userId, nobody, bob.userId]) {
    mustEqual(answer.device_keys?.[userId] ?? {}, {}, `devices of ${userId}`);
  }
  mustEqual(answer.failures ?? {}, {}, "failures");
});

clause(
  QUERY,
  "a server that can't be reached is named, and the others' keys are there",
  async () => {
    const alice = await newUser();
    await uploadDevice(alice);
    const away = "localhost:1";
    const body = { device_keys: { [alice.userId]: [], [`@zoe:${away}`]: [] }, timeout: 5_000 };
    const answer = await alice.call("queryKeys", { body });
    mustEqual(Object.keys(answer.failures ?? {}), [away], "failures");
    mustEqual(Object.keys(answer.device_keys?.[alice.userId] ?? {}), [alice.deviceId], "devices");
  },
);

clause(QUERY, "a query that is none is refused", async () => {
  const alice = await newUser();
  for (const body of [{}, { device_keys: [] }, { device_keys: { [alice.userId]: "ALL" } }]) {
    await mustFail(alice.request("queryKeys", { body }), 400, BAD);
  }
});

clause(UPLOAD, "keys that are uploaded again change nothing", async () => {
  const alice = await newUser();
  const device = await uploadDevice(alice);
  await alice.call("uploadKeys", { body: { device_keys: device.deviceKeys() } });
  await alice.call("uploadKeys", { body: {} });
  mustEqual(
    (await keysOf(alice, alice.userId)).devices[alice.deviceId],
    device.deviceKeys(),
    "keys",
  );
});

clause(
  DEVICE_KEYS,
  "keys of unknown algorithms, and what else a device says, are kept",
  async () => {
    const alice = await newUser();
    const device = createDevice(alice);
    const { keys } = device.deviceKeys() as { keys: JsonObject };
    const more = device.deviceKeys({
      keys: { ...keys, [`org.example.new:${alice.deviceId}`]: "any text" },
      algorithms: ["org.example.new"],
      "org.example.more": { deep: [1, null, "ü"] },
    });
    await alice.call("uploadKeys", { body: { device_keys: more } });
    mustEqual((await keysOf(alice, alice.userId)).devices[alice.deviceId], more, "keys");
  },
);

const wrong: readonly [name: string, spoil: (keys: JsonObject, user: User) => JsonObject][] = [
  ["of another user", (keys) => ({ ...keys, user_id: "@somebody:example.org" })],
  ["of another device", (keys) => ({ ...keys, device_id: "OTHER" })],
  ["without algorithms", ({ algorithms: _algorithms, ...keys }) => keys],
  ["without keys", ({ keys: _keys, ...keys }) => keys],
  ["without signatures", ({ signatures: _signatures, ...keys }) => keys],
  [
    "with keys that are no texts",
    (keys, { deviceId }) => ({ ...keys, keys: { [`ed25519:${deviceId}`]: 7 } }),
  ],
];
for (const [name, spoil] of wrong) {
  clause(UPLOAD, `keys ${name} are refused, and nothing with them is stored`, async () => {
    const alice = await newUser();
    const device = createDevice(alice);
    const spoiled = spoil(device.deviceKeys(), alice);
    const one_time_keys = device.oneTimeKeys(["A"]);
    await mustFail(upload(alice, { device_keys: spoiled, one_time_keys }), 400, [
      ...BAD,
      "M_INVALID_SIGNATURE",
    ]);
    mustEqual((await keysOf(alice, alice.userId)).devices, {}, "devices");
    const { one_time_key_counts: counts } = await alice.call("uploadKeys", { body: {} });
    mustEqual(counts["signed_curve25519"] ?? 0, 0, "one-time keys");
  });
}

const unsigned: readonly [name: string, spoil: (keys: JsonObject, user: User) => JsonObject][] = [
  ["that was changed after it was signed", (keys) => ({ ...keys, algorithms: [] })],
  ["that nobody has signed", (keys) => ({ ...keys, signatures: {} })],
  [
    "without an Ed25519 key",
    (keys, { deviceId }) => {
      const { [`ed25519:${deviceId}`]: _key, ...others } = keys["keys"] as JsonObject;
      return { ...keys, keys: others };
    },
  ],
  [
    "that is signed in another user's name",
    (keys, { userId }) => ({
      ...keys,
      signatures: { "@somebody:example.org": (keys["signatures"] as JsonObject)[userId]! },
    }),
  ],
];
for (const [name, spoil] of unsigned) {
  clause(UPLOADING, `an object of device keys ${name} is refused`, async () => {
    const alice = await newUser();
    const spoiled = spoil(createDevice(alice).deviceKeys(), alice);
    await mustFail(upload(alice, { device_keys: spoiled }), 400, [
      "M_INVALID_SIGNATURE",
      "M_INVALID_PARAM",
    ]);
    mustEqual((await keysOf(alice, alice.userId)).devices, {}, "devices");
  });
}

clause(
  clientApi("relationship-between-access-tokens-and-devices"),
  "a device that signs in again has its keys still, and one that signs out has none",
  async () => {
    const alice = await newUser();
    const phone = await logIn(alice);
    await uploadDevice(phone);
    const again = await logIn(alice, { device_id: phone.deviceId });
    must(phone.deviceId in (await keysOf(alice, alice.userId)).devices, "the keys are gone");
    await again.call("logout");
    mustEqual((await keysOf(alice, alice.userId)).devices, {}, "devices");
  },
);
