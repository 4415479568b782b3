import { describe, expect, test } from "vitest";
import { signingKeyFromSeed } from "../../../src/protocol/crypto.ts";
import type { MatrixError } from "../../../src/protocol/errors.ts";
import type { UserId } from "../../../src/protocol/identifiers.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import { signJson } from "../../../src/protocol/signed-json.ts";
import { errcodeOf } from "../support.ts";
import { makeDevice, makeIdentity } from "./devices.ts";
import { failures, keys, names, person, seen, signIn, t, toldBy } from "./people.ts";

describe("signatures", () => {
  test("by the self-signing key on a device are seen by all, and end with what they cover", async () => {
    const { userId, device, identity } = await person();
    const signed = signJson(device.deviceKeys(), userId, identity.selfSigning);
    const upload = () => failures(userId, { [userId]: { FIRST: signed } });
    expect(await toldBy(upload)).toEqual([`changed ${userId} FIRST`]);
    expect(await toldBy(upload)).toEqual([]);
    for (const asker of [undefined, userId]) {
      const { device: found } = await seen(asker, userId);
      expect(found("FIRST")).toEqual(signed);
    }
    const { keys: same } = device.deviceKeys();
    const changed = device.deviceKeys({ algorithms: ["m.new"], keys: same! });
    await keys().upload(device, { device_keys: changed });
    expect((await seen(undefined, userId)).device("FIRST")).toEqual(changed);
  });

  test("by the self-signing key may come with a device's keys, if they are right", async () => {
    const { userId, identity } = await person();
    await t.users.sessions.issue(userId, { deviceId: "SIGNED" });
    const device = makeDevice(userId, "SIGNED");
    const wrong = makeIdentity(userId, "other").selfSigning;
    const forged = signJson(device.deviceKeys(), userId, {
      ...wrong,
      keyId: identity.selfSigning.keyId,
    });
    const upload = keys().upload(device, { device_keys: forged });
    expect(await errcodeOf(upload)).toBe("M_INVALID_SIGNATURE");
    const signed = signJson(device.deviceKeys(), userId, identity.selfSigning);
    await keys().upload(device, { device_keys: signJson(signed, userId, wrong) });
    expect((await seen(undefined, userId)).device("SIGNED")).toEqual(signed);
  });

  test("by devices on the master key end with the device", async () => {
    const { userId, identity } = await person();
    const second = await signIn(userId, "SECOND");
    const { publicKeyBase64 } = identity.master;
    const signed = { [userId]: { [publicKeyBase64]: second.sign(identity.keys.master_key) } };
    expect(await toldBy(() => failures(userId, signed))).toEqual([`changed ${userId} `]);
    expect(names((await seen(undefined, userId)).master, userId)).toEqual(["ed25519:SECOND"]);
    await t.users.devices.remove(userId, ["SECOND"]);
    expect(names((await seen(undefined, userId)).master, userId)).toEqual([]);
  });

  test("on other users are seen by nobody but who made them", async () => {
    const [alice, bob, carol] = [await person(), await person(), await person()];
    const { publicKeyBase64, keyId } = { ...bob.identity.master, ...alice.identity.userSigning };
    const target = bob.identity.master.publicKeyBase64;
    const byAlice = signJson(
      bob.identity.keys.master_key,
      alice.userId,
      alice.identity.userSigning,
    );
    const upload = () => failures(alice.userId, { [bob.userId]: { [target]: byAlice } });
    expect(await toldBy(upload)).toEqual([`signed ${alice.userId} ${bob.userId}`]);
    expect(publicKeyBase64).toBeDefined();
    expect((await seen(alice.userId, bob.userId)).master).toEqual(byAlice);
    for (const asker of [bob.userId, carol.userId, undefined]) {
      const { master } = await seen(asker, bob.userId);
      expect(names(master, alice.userId)).not.toContain(keyId);
    }
    // They end with the key that made them.
    const { user_signing_key } = makeIdentity(alice.userId, "second").keys;
    const again = { ...user_signing_key, signatures: {} };
    const signed = signJson(again, alice.userId, alice.identity.master);
    await keys().uploadCrossSigningKeys(alice.userId, { user_signing_key: signed }, true);
    expect((await seen(alice.userId, bob.userId)).master).toEqual(bob.identity.keys.master_key);
  });

  test("on users of other servers need their master key", async () => {
    const { userId, identity } = await person();
    const zoe = "@zoe:there.test" as UserId;
    const { master, keys: theirs } = makeIdentity(zoe);
    const signed = signJson(theirs.master_key, userId, identity.userSigning);
    const upload = { [zoe]: { [master.publicKeyBase64]: signed } };
    expect(await failures(userId, upload)).toEqual([[zoe, master.publicKeyBase64, "M_NOT_FOUND"]]);
    const known = new Map([[zoe, theirs.master_key]]);
    const text = JSON.stringify(theirs.master_key);
    const shown = async (asker: UserId) =>
      (await keys().withSignaturesOf(asker, new Map([[zoe, text]]))).get(zoe)!;
    expect(await shown(userId)).toBe(text);
    expect((await keys().uploadSignatures(userId, upload, known)).size).toBe(0);
    expect(JSON.parse(await shown(userId))).toEqual(signed);
    const { userId: other } = await person();
    expect(await shown(other)).toBe(text);
  });

  test("that are refused are named one by one with the reason, and the others are kept", async () => {
    const [alice, bob] = [await person(), await person()];
    const { userId, device, identity } = alice;
    const wrong = makeIdentity(userId, "other");
    const forged = (object: JsonObject, keyId: string) =>
      signJson(object, userId, { ...signingKeyFromSeed("ed25519:x", Buffer.alloc(32, 9)), keyId });
    const right = signJson(device.deviceKeys(), userId, identity.selfSigning);
    const second = await signIn(userId, "SECOND");
    const bobs = bob.identity.master.publicKeyBase64;
    const own = identity.master.publicKeyBase64;
    expect(
      await failures(userId, {
        [userId]: {
          FIRST: right,
          SECOND: forged(second.deviceKeys(), identity.selfSigning.keyId),
          NOBODY: right,
          [own]: forged(identity.keys.master_key, "ed25519:FIRST"),
          "a\0b": right,
        },
        [bob.userId]: {
          [bobs]: signJson(bob.identity.keys.master_key, userId, wrong.userSigning),
          FIRST: signJson(bob.device.deviceKeys(), userId, identity.userSigning),
        },
        "@nobody:here.test": { [bobs]: bob.identity.keys.master_key },
      }),
    ).toEqual([
      [userId, "SECOND", "M_INVALID_SIGNATURE"],
      [userId, "NOBODY", "M_NOT_FOUND"],
      [userId, own, "M_INVALID_SIGNATURE"],
      [userId, "a\0b", "M_NOT_FOUND"],
      [bob.userId, bobs, "M_INVALID_SIGNATURE"],
      [bob.userId, "FIRST", "M_NOT_FOUND"],
      ["@nobody:here.test", bobs, "M_NOT_FOUND"],
    ]);
    expect((await seen(undefined, userId)).device("FIRST")).toEqual(right);
    const changed = signJson({ ...second.deviceKeys(), more: 1 }, userId, identity.selfSigning);
    const { message } = (await keys().uploadSignatures(userId, { [userId]: { SECOND: changed } }))
      .get(userId)!
      .get("SECOND") as MatrixError;
    expect(message).toContain("as it is stored");
  });
});
