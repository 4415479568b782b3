import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { signJson } from "../../../src/protocol/signed-json.ts";
import { errcodeOf, id } from "../support.ts";
import { makeDevice, makeIdentity } from "./devices.ts";
import { failures, keys, names, type Person, person, seen, t, toldBy } from "./people.ts";

describe("cross-signing keys", () => {
  test("are read by everybody, but for the user-signing key", async () => {
    const [alice, bob] = [await person(), await person()];
    const own = await seen(alice.userId, alice.userId);
    const { master_key, self_signing_key, user_signing_key } = alice.identity.keys;
    expect([own.master, own.selfSigning, own.userSigning]).toEqual([
      master_key,
      self_signing_key,
      user_signing_key,
    ]);
    for (const asker of [bob.userId, undefined]) {
      const others = await seen(asker, alice.userId);
      expect([others.master, others.selfSigning, others.userSigning]).toEqual([
        master_key,
        self_signing_key,
        undefined,
      ]);
    }
  });

  test("are told to all, and the user-signing key to its user alone", async () => {
    const { userId, identity } = await person(true);
    const told = await toldBy(() => keys().uploadCrossSigningKeys(userId, identity.keys, false));
    expect(told).toEqual([`changed ${userId} `, `signed ${userId} ${userId}`]);
  });

  test("that are new wait for the user's authentication once there are some", async () => {
    const { userId, identity } = await person();
    const other = makeIdentity(userId, "second");
    expect(await keys().uploadCrossSigningKeys(userId, identity.keys, false)).toBe(true);
    const { self_signing_key } = identity.keys;
    expect(await keys().uploadCrossSigningKeys(userId, { self_signing_key }, false)).toBe(true);
    expect(await keys().uploadCrossSigningKeys(userId, other.keys, false)).toBe(false);
    expect((await seen(userId, userId)).master).toEqual(identity.keys.master_key);
    expect(await keys().uploadCrossSigningKeys(userId, other.keys, true)).toBe(true);
    expect((await seen(userId, userId)).master).toEqual(other.keys.master_key);
  });

  test("of two first uploads at once one waits for authentication", async () => {
    const { userId } = await person(true);
    const stored = await Promise.all(
      ["one", "two", "three"].map((seed) =>
        keys().uploadCrossSigningKeys(userId, makeIdentity(userId, seed).keys, false),
      ),
    );
    expect(stored.filter(Boolean)).toEqual([true]);
  });

  test("end with the master key that signed them, and so do their signatures", async () => {
    const [alice, bob] = [await person(), await person()];
    const { userId, device, identity } = alice;
    const signedMaster = device.sign(identity.keys.master_key);
    const byBob = signJson(identity.keys.master_key, bob.userId, bob.identity.userSigning);
    await keys().uploadSignatures(userId, {
      [userId]: {
        FIRST: signJson(device.deviceKeys(), userId, identity.selfSigning),
        [identity.master.publicKeyBase64]: signedMaster,
      },
    });
    const ofAlice = { [userId]: { [identity.master.publicKeyBase64]: byBob } };
    expect(await failures(bob.userId, ofAlice)).toEqual([]);
    const { master_key } = makeIdentity(userId, "second").keys;
    await keys().uploadCrossSigningKeys(userId, { master_key }, true);
    const now = await seen(userId, userId);
    expect([now.master, now.selfSigning, now.userSigning]).toEqual([
      master_key,
      undefined,
      undefined,
    ]);
    expect(names(now.device("FIRST"), userId)).toEqual(["ed25519:FIRST"]);
    expect(await t.sql`SELECT FROM key_signatures WHERE target_id = ${userId}`).toHaveLength(0);
  });

  test("can be signed by the user's devices, rightly", async () => {
    const { userId, device, identity } = await person(true);
    const { master_key } = identity.keys;
    const unknown = makeDevice(userId, "UNKNOWN");
    const signed = unknown.sign(device.sign(master_key));
    await keys().uploadCrossSigningKeys(userId, { ...identity.keys, master_key: signed }, false);
    expect(names((await seen(undefined, userId)).master, userId)).toEqual(["ed25519:FIRST"]);
    const other = makeIdentity(userId, "second");
    const wrong = makeDevice(userId, "FIRST", "impostor").sign(other.keys.master_key);
    const upload = keys().uploadCrossSigningKeys(userId, { master_key: wrong }, true);
    expect(await errcodeOf(upload)).toBe("M_INVALID_SIGNATURE");
    expect(names((await seen(undefined, userId)).master, userId)).toEqual(["ed25519:FIRST"]);
  });

  test("and devices have no name in common", async () => {
    const { userId, identity } = await person(true);
    const { publicKeyBase64 } = identity.selfSigning;
    await t.users.sessions.issue(userId, { deviceId: publicKeyBase64 });
    const first = keys().uploadCrossSigningKeys(userId, identity.keys, false);
    expect(await errcodeOf(first)).toBe("M_FORBIDDEN");
    expect((await seen(userId, userId)).master).toBeUndefined();
    await t.users.devices.remove(userId, [publicKeyBase64]);
    await keys().uploadCrossSigningKeys(userId, identity.keys, false);
    const again = t.users.sessions.issue(userId, { deviceId: publicKeyBase64 });
    expect(await errcodeOf(again)).toBe("M_INVALID_PARAM");
  });

  const faults: readonly [string, string, (person: Person) => JsonObject][] = [
    [
      "without a master key",
      "M_MISSING_PARAM",
      ({
        identity: {
          keys: { self_signing_key },
        },
      }) => ({ self_signing_key }),
    ],
    [
      "that the master key has not signed",
      "M_INVALID_SIGNATURE",
      ({ userId, identity }) => ({
        master_key: makeIdentity(userId, "other").keys.master_key,
        self_signing_key: identity.keys.self_signing_key,
      }),
    ],
    [
      "whose signature is wrong",
      "M_INVALID_SIGNATURE",
      ({
        identity: {
          keys: { master_key, user_signing_key },
        },
      }) => ({
        master_key,
        user_signing_key: { ...user_signing_key, more: 1 },
      }),
    ],
    [
      "of another user",
      "M_INVALID_PARAM",
      () => ({ master_key: makeIdentity(id("somebody")).keys.master_key }),
    ],
    [
      "for another use",
      "M_INVALID_PARAM",
      ({ identity }) => ({ master_key: identity.keys.self_signing_key }),
    ],
    [
      "of an unknown algorithm",
      "M_INVALID_PARAM",
      ({ userId }) => ({
        master_key: { user_id: userId, usage: ["master"], keys: { "rsa:abc": "abc" } },
      }),
    ],
    [
      "with two keys in one",
      "M_INVALID_PARAM",
      ({ userId, identity: { master, selfSigning } }) => ({
        master_key: {
          user_id: userId,
          usage: ["master"],
          keys: {
            [master.keyId]: master.publicKeyBase64,
            [selfSigning.keyId]: selfSigning.publicKeyBase64,
          },
        },
      }),
    ],
    [
      "that are one key for two uses",
      "M_INVALID_PARAM",
      ({
        userId,
        identity: {
          master,
          keys: { master_key },
        },
      }) => ({
        master_key,
        self_signing_key: signJson(
          {
            user_id: userId,
            usage: ["self_signing"],
            keys: { [master.keyId]: master.publicKeyBase64 },
          },
          userId,
          master,
        ),
      }),
    ],
    [
      "that somebody else has signed",
      "M_INVALID_SIGNATURE",
      ({ identity }) => ({
        master_key: signJson(identity.keys.master_key, "@eve:here.test", identity.master),
      }),
    ],
  ];
  test.each(faults)("%s are refused, and none is stored: %s", async (_what, errcode, upload) => {
    const one = await person(true);
    const uploaded = keys().uploadCrossSigningKeys(one.userId, upload(one), true);
    expect(await errcodeOf(uploaded)).toBe(errcode);
    const { master, selfSigning } = await seen(one.userId, one.userId);
    expect([master, selfSigning]).toEqual([undefined, undefined]);
  });
});

test("when an account ends its keys and its signatures end, and all are told", async () => {
  const [alice, bob] = [await person(), await person()];
  const { publicKeyBase64 } = bob.identity.master;
  const onBob = signJson(bob.identity.keys.master_key, alice.userId, alice.identity.userSigning);
  await failures(alice.userId, { [bob.userId]: { [publicKeyBase64]: onBob } });
  const told = await toldBy(() => t.users.deactivation.deactivate(alice.userId, false));
  expect(told).toEqual(
    expect.arrayContaining([`removed ${alice.userId} `, `removed ${alice.userId} FIRST`]),
  );
  const after = await seen(bob.userId, alice.userId);
  expect([after.master, after.selfSigning, after.device("FIRST")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(await t.sql`SELECT FROM key_signatures WHERE signer_id = ${alice.userId}`).toHaveLength(0);
  const upload = keys().uploadCrossSigningKeys(alice.userId, alice.identity.keys, true);
  expect(await errcodeOf(upload)).toBe("M_UNKNOWN_TOKEN");
});
