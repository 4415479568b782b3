import { clause, clientApi, theSubject } from "../../harness/clause.ts";
import {
  createIdentity,
  crossSigningKey,
  keyNamed,
  keysOf,
  signersOf,
  uploadDevice,
  uploadIdentity,
} from "../../harness/device-keys.ts";
import type { JsonObject } from "../../harness/json.ts";
import { must, mustBe403, mustEqual, mustFail } from "../../harness/must.ts";
import { signJson } from "../../harness/signing.ts";
import { twoUsers } from "../../harness/two-users.ts";
import { logIn, registerUser, type User } from "../../harness/users.ts";

const UPLOAD = clientApi("post_matrixclientv3keysdevice_signingupload");
const SIGN = clientApi("post_matrixclientv3keyssignaturesupload");
const CROSS_SIGNING = clientApi("cross-signing");
const SECURITY = clientApi("key-and-signature-security");

const newUser = () => registerUser(theSubject(), "signs");
const upload = (user: User, body: object) => user.request("uploadCrossSigningKeys", { body });

/** The body with the user's password, for a session of user-interactive authentication. */
async function withPassword(user: User, body: object): Promise<object> {
  const { session } = await mustFail(upload(user, body), 401);
  const identifier = { type: "m.id.user", user: user.userId };
  return {
    ...body,
    auth: { type: "m.login.password", identifier, password: user.password, session },
  };
}

/** Uploads signed keys; what was refused, by user and key. */
async function sign(user: User, signed: Record<string, Record<string, JsonObject>>) {
  const { failures } = await user.call("uploadCrossSigningSignatures", { body: signed });
  return (failures ?? {}) as Record<string, Record<string, { errcode: string }>>;
}

clause(CROSS_SIGNING, "everybody reads a user's master and self-signing keys", async () => {
  const [alice, bob] = await twoUsers();
  const { keys } = await uploadIdentity(alice);
  const found = await keysOf(bob, alice.userId);
  mustEqual(found.master, keys.master_key, "master key");
  mustEqual(found.selfSigning, keys.self_signing_key, "self-signing key");
});

clause(CROSS_SIGNING, "a user alone reads the own user-signing key", async () => {
  const [alice, bob] = await twoUsers();
  const { keys } = await uploadIdentity(alice);
  await uploadIdentity(bob);
  mustEqual((await keysOf(alice, alice.userId)).userSigning, keys.user_signing_key, "the key");
  mustEqual((await keysOf(bob, alice.userId)).userSigning, undefined, "the key, for bob");
});

clause(
  UPLOAD,
  "the first keys need no further authentication, nor do the same once more",
  async () => {
    const alice = await newUser();
    const { keys } = await uploadIdentity(alice);
    await alice.call("uploadCrossSigningKeys", { body: keys });
    await alice.call("uploadCrossSigningKeys", { body: { master_key: keys.master_key } });
    mustEqual((await keysOf(alice, alice.userId)).master, keys.master_key, "master key");
  },
);

clause(UPLOAD, "keys in the place of others need authentication", async () => {
  const alice = await newUser();
  const { keys } = await uploadIdentity(alice);
  const other = createIdentity(alice);
  await mustFail(upload(alice, other.keys), 401);
  mustEqual((await keysOf(alice, alice.userId)).master, keys.master_key, "master key before");
  const body = await withPassword(alice, other.keys);
  await alice.call("uploadCrossSigningKeys", { body });
  const found = await keysOf(alice, alice.userId);
  mustEqual(found.master, other.keys.master_key, "master key after");
  mustEqual(found.selfSigning, other.keys.self_signing_key, "self-signing key after");
});

clause(UPLOAD, "a further key beside the same master key needs authentication", async () => {
  const alice = await newUser();
  const { master, keys } = await uploadIdentity(alice);
  const self_signing_key = signJson(
    crossSigningKey(alice.userId, "self_signing", keyNamed()),
    alice.userId,
    master,
  );
  await mustFail(upload(alice, { master_key: keys.master_key, self_signing_key }), 401);
  await mustFail(upload(alice, { self_signing_key }), 401);
  const body = await withPassword(alice, { self_signing_key });
  await alice.call("uploadCrossSigningKeys", { body });
  const found = await keysOf(alice, alice.userId);
  mustEqual(found.selfSigning, self_signing_key, "self-signing key");
  mustEqual(found.userSigning, keys.user_signing_key, "user-signing key");
});

clause(UPLOAD, "without a master key the others are refused", async () => {
  const alice = await newUser();
  const { self_signing_key } = createIdentity(alice).keys;
  await mustFail(upload(alice, { self_signing_key }), 400, "M_MISSING_PARAM");
});

clause(
  UPLOAD,
  "keys without the master key's signature are refused, and none is stored",
  async () => {
    const alice = await newUser();
    const { keys, selfSigning } = createIdentity(alice);
    const unsigned = crossSigningKey(alice.userId, "self_signing", selfSigning);
    const wrong = { ...keys.self_signing_key, more: 1 };
    for (const self_signing_key of [unsigned, wrong]) {
      const body = { ...keys, self_signing_key };
      await mustFail(upload(alice, body), 400, "M_INVALID_SIGNATURE");
    }
    mustEqual((await keysOf(alice, alice.userId)).master, undefined, "master key");
  },
);

clause(UPLOAD, "keys of another user, for another use, or of no key are refused", async () => {
  const [alice, bob] = await twoUsers();
  const { keys, master } = createIdentity(alice);
  const wrong = [
    createIdentity(bob).keys.master_key,
    keys.self_signing_key,
    { ...keys.master_key, keys: {} },
    { ...keys.master_key, keys: { [master.keyId]: "another" } },
    { ...keys.master_key, keys: { "rsa:abc": "abc" } },
  ];
  for (const master_key of wrong) {
    const codes = ["M_INVALID_PARAM", "M_BAD_JSON"];
    await mustFail(upload(alice, { master_key }), 400, codes);
  }
  mustEqual((await keysOf(alice, alice.userId)).master, undefined, "master key");
});

clause(CROSS_SIGNING, "no device is named like a cross-signing key", async () => {
  const alice = await newUser();
  const { keys, master } = createIdentity(alice);
  const phone = await logIn(alice, { device_id: master.publicKey });
  await mustBe403(upload(alice, keys));
  await phone.call("logout");
  await alice.call("uploadCrossSigningKeys", { body: keys });
  const password = { type: "m.login.password", password: alice.password };
  const identifier = { type: "m.id.user", user: alice.userId };
  const body = { ...password, identifier, device_id: master.publicKey };
  await mustFail(alice.request("login", { body }), [400, 403]);
});

clause(
  SECURITY,
  "everybody sees what self-signing keys and devices signed of their user's",
  async () => {
    const [alice, bob] = await twoUsers();
    const device = await uploadDevice(alice);
    const { keys, master, selfSigning } = await uploadIdentity(alice);
    const signed = {
      [alice.userId]: {
        [alice.deviceId]: signJson(device.deviceKeys(), alice.userId, selfSigning),
        [master.publicKey]: device.sign(keys.master_key),
      },
    };
    mustEqual(await sign(alice, signed), {}, "failures");
    for (const asker of [alice, bob]) {
      const found = await keysOf(asker, alice.userId);
      const names = signersOf(found.devices[alice.deviceId], alice.userId);
      mustEqual(
        names.toSorted(),
        [device.key.keyId, selfSigning.keyId].toSorted(),
        "of the device",
      );
      mustEqual(signersOf(found.master, alice.userId), [device.key.keyId], "of the master key");
      mustEqual(signersOf(found.selfSigning, alice.userId), [master.keyId], "of the other key");
    }
  },
);

clause(SECURITY, "what a user-signing key signed is seen by its user alone", async () => {
  const [alice, bob] = await twoUsers();
  const carol = await newUser();
  const [own, theirs] = [await uploadIdentity(alice), await uploadIdentity(bob)];
  const signed = signJson(theirs.keys.master_key, alice.userId, own.userSigning);
  mustEqual(
    await sign(alice, { [bob.userId]: { [theirs.master.publicKey]: signed } }),
    {},
    "failures",
  );
  mustEqual((await keysOf(alice, bob.userId)).master, signed, "the master key, for alice");
  for (const asker of [bob, carol]) {
    const { master } = await keysOf(asker, bob.userId);
    mustEqual(signersOf(master, alice.userId), [], "what others see");
  }
});

clause(SIGN, "wrong signatures are refused by key, and the others are kept", async () => {
  const [alice, bob] = await twoUsers();
  const phone = await logIn(alice);
  const [device, second] = [await uploadDevice(alice), await uploadDevice(phone)];
  const { keys, master, selfSigning, userSigning } = await uploadIdentity(alice);
  const theirs = await uploadIdentity(bob);
  const forger = { ...keyNamed(), keyId: selfSigning.keyId };
  const failures = await sign(alice, {
    [alice.userId]: {
      [alice.deviceId]: signJson(device.deviceKeys(), alice.userId, selfSigning),
      [phone.deviceId]: signJson(second.deviceKeys(), alice.userId, forger),
      [master.publicKey]: { ...device.sign(keys.master_key), more: 1 },
      NONE: signJson(device.deviceKeys(), alice.userId, selfSigning),
    },
    [bob.userId]: {
      [theirs.master.publicKey]: signJson(theirs.keys.master_key, alice.userId, {
        ...keyNamed(),
        keyId: userSigning.keyId,
      }),
    },
  });
  mustEqual(
    Object.keys(failures[alice.userId] ?? {}).toSorted(),
    [phone.deviceId, master.publicKey, "NONE"].toSorted(),
    "what was refused",
  );
  const { errcode } = failures[alice.userId]![phone.deviceId]!;
  mustEqual(errcode, "M_INVALID_SIGNATURE", "the code of a wrong signature");
  const ofBob = failures[bob.userId]?.[theirs.master.publicKey]?.errcode;
  mustEqual(ofBob, "M_INVALID_SIGNATURE", "the code of a wrong signature on another user's key");
  const found = await keysOf(bob, alice.userId);
  must(
    signersOf(found.devices[alice.deviceId], alice.userId).includes(selfSigning.keyId),
    "the right signature is missing",
  );
  mustEqual(signersOf(found.devices[phone.deviceId], alice.userId), [second.key.keyId], "signers");
});

clause(SIGN, "who may not sign a key is refused", async () => {
  const [alice, bob] = await twoUsers();
  const theirDevice = await uploadDevice(bob);
  const [own, theirs] = [await uploadIdentity(alice), await uploadIdentity(bob)];
  const { userId } = alice;
  const failures = await sign(alice, {
    // A self-signing key does not sign others, and nobody signs others' devices.
    [bob.userId]: {
      [theirs.master.publicKey]: signJson(theirs.keys.master_key, userId, own.selfSigning),
      [bob.deviceId]: signJson(theirDevice.deviceKeys(), userId, own.userSigning),
    },
  });
  mustEqual(Object.keys(failures[bob.userId] ?? {}).length, 2, "failures");
  const found = await keysOf(alice, bob.userId);
  mustEqual(signersOf(found.master, userId), [], "signatures on the master key");
  mustEqual(signersOf(found.devices[bob.deviceId], userId), [], "signatures on the device");
});

clause(
  SIGN,
  "signatures end with the key that made them and with the key that they are on",
  async () => {
    const [alice, bob] = await twoUsers();
    const device = await uploadDevice(alice);
    const [own, theirs] = [await uploadIdentity(alice), await uploadIdentity(bob)];
    const target = own.master.publicKey;
    await sign(alice, {
      [alice.userId]: {
        [alice.deviceId]: signJson(device.deviceKeys(), alice.userId, own.selfSigning),
        [target]: device.sign(own.keys.master_key),
      },
    });
    await sign(bob, {
      [alice.userId]: { [target]: signJson(own.keys.master_key, bob.userId, theirs.userSigning) },
    });
    const next = createIdentity(alice);
    const body = await withPassword(alice, next.keys);
    await alice.call("uploadCrossSigningKeys", { body });
    const found = await keysOf(bob, alice.userId);
    mustEqual(found.master, next.keys.master_key, "master key");
    const names = signersOf(found.devices[alice.deviceId], alice.userId);
    must(!names.includes(next.selfSigning.keyId), "the new key signed nothing");
  },
);
