import { clause, clientApi, theSubject } from "../../harness/clause.ts";
import { claimOf, SIGNED_CURVE25519, uploadDevice } from "../../harness/device-keys.ts";
import { must, mustEqual, mustFail } from "../../harness/must.ts";
import { logIn, registerUser } from "../../harness/users.ts";

const UPLOAD = clientApi("post_matrixclientv3keysupload");
const CLAIM = clientApi("post_matrixclientv3keysclaim");
const ALGORITHMS = clientApi("key-algorithms");
const KINDS = clientApi("one-time-and-fallback-keys");

/** A new user's device with identity keys. */
const newDevice = async () => uploadDevice(await registerUser(theSubject(), "keys"));
type Device = Awaited<ReturnType<typeof newDevice>>;

async function upload({ user }: Device, body: object): Promise<number> {
  const { one_time_key_counts: counts } = await user.call("uploadKeys", { body });
  return counts[SIGNED_CURVE25519] ?? 0;
}

const ids = (count: number, prefix = "K") =>
  Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const named = (id: string) => `${SIGNED_CURVE25519}:${id}`;

clause(UPLOAD, "an upload answers how many one-time keys there are, by algorithm", async () => {
  const device = await newDevice();
  mustEqual(await upload(device, { one_time_keys: device.oneTimeKeys(ids(3)) }), 3, "count");
  mustEqual(await upload(device, { one_time_keys: device.oneTimeKeys(ids(2, "L")) }), 5, "count");
  mustEqual(await upload(device, {}), 5, "count without new keys");
  await claimOf(device.user, device);
  mustEqual(await upload(device, {}), 4, "count after a claim");
});

clause(CLAIM, "a claimed key is as it was uploaded", async () => {
  const device = await newDevice();
  const other = await registerUser(theSubject(), "claims");
  const keys = device.oneTimeKeys(["A"]);
  await upload(device, { one_time_keys: keys });
  mustEqual(await claimOf(other, device), [named("A"), keys[named("A")]], "the key");
});

clause(CLAIM, "keys are given out in the order of their uploads", async () => {
  const device = await newDevice();
  for (const id of ["Z", "A", "M"])
    await upload(device, { one_time_keys: device.oneTimeKeys([id]) });
  const given = [];
  for (let n = 0; n < 3; n += 1) given.push((await claimOf(device.user, device))?.[0]);
  mustEqual(given, ["Z", "A", "M"].map(named), "the keys");
});

clause(CLAIM, "each key is given out once, however many claim at the same time", async () => {
  const device = await newDevice();
  const claimers = await Promise.all(ids(4).map(() => registerUser(theSubject(), "claims")));
  await upload(device, { one_time_keys: device.oneTimeKeys(ids(50)) });
  const given = await Promise.all(
    Array.from({ length: 120 }, (_, n) => claimOf(claimers[n % 4]!, device)),
  );
  const names = given.flatMap((key) => key?.[0] ?? []);
  mustEqual(names.toSorted(), ids(50).map(named).toSorted(), "the keys");
});

clause(CLAIM, "keys of several devices and users are claimed at once", async () => {
  const [alice, bob] = [await newDevice(), await newDevice()];
  const second = await uploadDevice(await logIn(alice.user));
  for (const device of [alice, second, bob]) {
    await upload(device, { one_time_keys: device.oneTimeKeys(["A", "B"]) });
  }
  const algorithm = SIGNED_CURVE25519;
  const wanted = {
    [alice.user.userId]: { [alice.user.deviceId]: algorithm, [second.user.deviceId]: algorithm },
    [bob.user.userId]: { [bob.user.deviceId]: algorithm },
  };
  const { one_time_keys: keys } = await bob.user.call("claimKeys", {
    body: { one_time_keys: wanted, timeout: 5_000 },
  });
  for (const { user } of [alice, second, bob]) {
    mustEqual(Object.keys(keys[user.userId]?.[user.deviceId] ?? {}), [named("A")], "the key");
  }
});

clause(CLAIM, "unknown users, devices and algorithms are missing, and no failure", async () => {
  const device = await newDevice();
  await upload(device, { one_time_keys: device.oneTimeKeys(["A"]) });
  const { userId, deviceId } = device.user;
  const nobody = `@nobody-at-all:${theSubject().serverName}`;
  const body = {
    one_time_keys: {
      [userId]: { [deviceId]: "org.example.unknown", NONE: SIGNED_CURVE25519 },
      [nobody]: { NONE: SIGNED_CURVE25519 },
    },
  };
  const answer = await device.user.call("claimKeys", { body });
  mustEqual(answer.one_time_keys[userId] ?? {}, {}, "keys");
  mustEqual(answer.one_time_keys[nobody] ?? {}, {}, "keys of nobody");
  mustEqual(answer.failures ?? {}, {}, "failures");
});

clause(
  CLAIM,
  "a server that can't be reached is named, and the others' keys are there",
  async () => {
    const device = await newDevice();
    await upload(device, { one_time_keys: device.oneTimeKeys(["A"]) });
    const { userId, deviceId } = device.user;
    const away = "localhost:1";
    const wanted = {
      [`@zoe:${away}`]: { D: SIGNED_CURVE25519 },
      [userId]: { [deviceId]: SIGNED_CURVE25519 },
    };
    const body = { one_time_keys: wanted, timeout: 5_000 };
    const answer = await device.user.call("claimKeys", { body });
    mustEqual(Object.keys(answer.failures ?? {}), [away], "failures");
    must(answer.one_time_keys[userId]?.[deviceId], "the local key is missing");
  },
);

clause(CLAIM, "a claim that is none is refused", async () => {
  const { user } = await newDevice();
  const bodies = [{}, { one_time_keys: [] }, { one_time_keys: { [user.userId]: { D: 7 } } }];
  for (const body of bodies) {
    await mustFail(user.request("claimKeys", { body }), 400, ["M_BAD_JSON", "M_MISSING_PARAM"]);
  }
});

clause(
  KINDS,
  "one-time keys are uploaded again without harm, also when one was claimed",
  async () => {
    const device = await newDevice();
    const keys = device.oneTimeKeys(["A", "B", "C", "D"]);
    const some = (...wanted: string[]) =>
      Object.fromEntries(wanted.map((id) => [named(id), keys[named(id)]]));
    await upload(device, { one_time_keys: some("A", "B", "C") });
    mustEqual(await upload(device, { one_time_keys: some("B", "C", "D") }), 4, "count");
    mustEqual((await claimOf(device.user, device))?.[0], named("A"), "the first key");
    // As a client does whose upload was not answered.
    await upload(device, { one_time_keys: some("A", "B", "C") });
    const given = [];
    for (let n = 0; n < 4; n += 1) given.push((await claimOf(device.user, device))?.[0]);
    mustEqual(given, [named("B"), named("C"), named("D"), undefined], "the other keys");
  },
);

clause(KINDS, "another key of the same id is refused, and nothing with it is stored", async () => {
  const device = await newDevice();
  await upload(device, { one_time_keys: device.oneTimeKeys(["A"]) });
  const body = { one_time_keys: { ...device.oneTimeKeys(["B"]), ...device.oneTimeKeys(["A"]) } };
  await mustFail(device.user.request("uploadKeys", { body }), 400);
  mustEqual(await upload(device, {}), 1, "count");
});

clause(
  KINDS,
  "the fallback key is given out when no one-time key is left, again and again",
  async () => {
    const device = await newDevice();
    const fallback = device.oneTimeKeys(["F"], { fallback: true });
    const body = { one_time_keys: device.oneTimeKeys(["A"]), fallback_keys: fallback };
    mustEqual(await upload(device, body), 1, "count");
    const given = [];
    for (let n = 0; n < 3; n += 1) given.push(await claimOf(device.user, device));
    mustEqual(
      given.map((key) => key?.[0]),
      [named("A"), named("F"), named("F")],
      "the keys",
    );
    mustEqual(given[1]?.[1], fallback[named("F")], "the fallback key");
    await upload(device, { one_time_keys: device.oneTimeKeys(["B"]) });
    mustEqual((await claimOf(device.user, device))?.[0], named("B"), "the next one-time key");
  },
);

clause(KINDS, "a new fallback key takes the place of the former one", async () => {
  const device = await newDevice();
  for (const id of ["F1", "F2"]) {
    await upload(device, { fallback_keys: device.oneTimeKeys([id], { fallback: true }) });
  }
  mustEqual((await claimOf(device.user, device))?.[0], named("F2"), "the fallback key");
});

clause(UPLOAD, "there is one fallback key of each algorithm at most", async () => {
  const device = await newDevice();
  const body = { fallback_keys: device.oneTimeKeys(["F1", "F2"], { fallback: true }) };
  await mustFail(device.user.request("uploadKeys", { body }), 400);
  mustEqual(await claimOf(device.user, device), undefined, "a key");
});

clause(ALGORITHMS, "one-time keys that their device has not signed are refused", async () => {
  const [device, other] = [await newDevice(), await newDevice()];
  const key = device.oneTimeKey();
  const wrong = [
    { ...key, fallback: true },
    { key: key["key"]!, signatures: {} },
    { key: key["key"]! },
    other.oneTimeKey(),
    "unsigned",
  ];
  for (const one of wrong) {
    for (const kind of ["one_time_keys", "fallback_keys"]) {
      const body = { [kind]: { ...device.oneTimeKeys(["A"]), [named("B")]: one } };
      const codes = ["M_INVALID_SIGNATURE", "M_BAD_JSON", "M_INVALID_PARAM"];
      await mustFail(
        device.user.request("uploadKeys", {
          body: kind === "one_time_keys" ? body : { [kind]: { [named("B")]: one } },
        }),
        400,
        codes,
      );
    }
  }
  mustEqual(await upload(device, {}), 0, "count");
});

clause(ALGORITHMS, "keys of unknown algorithms are kept as they are", async () => {
  const device = await newDevice();
  const keys = { "org.example.new:1": { any: ["thing"] }, "org.example.plain:1": "text" };
  await upload(device, { one_time_keys: keys });
  for (const [name, key] of Object.entries(keys)) {
    const algorithm = name.slice(0, name.indexOf(":"));
    mustEqual(await claimOf(device.user, device, algorithm), [name, key], "the key");
  }
});

clause(ALGORITHMS, "names that are none, and keys that are none, are refused by name", async () => {
  const device = await newDevice();
  const wrong = {
    noalgorithm: device.oneTimeKey(),
    ":A": device.oneTimeKey(),
    "signed_curve25519:": device.oneTimeKey(),
    [named("x".repeat(300))]: device.oneTimeKey(),
    [named("A")]: device.sign({ key: "too short" }),
  };
  for (const [name, key] of Object.entries(wrong)) {
    const body = { one_time_keys: { [name]: key } };
    const codes = ["M_BAD_JSON", "M_INVALID_PARAM"];
    const { error } = await mustFail(device.user.request("uploadKeys", { body }), 400, codes);
    must(String(error).includes(name.slice(0, 20)), `the error does not name it: ${String(error)}`);
  }
});

clause(KINDS, "a device that signs out leaves no keys behind", async () => {
  const device = await newDevice();
  const phone = await uploadDevice(await logIn(device.user));
  await upload(phone, {
    one_time_keys: phone.oneTimeKeys(["A"]),
    fallback_keys: phone.oneTimeKeys(["F"], { fallback: true }),
  });
  await phone.user.call("logout");
  mustEqual(await claimOf(device.user, phone), undefined, "a key");
});
