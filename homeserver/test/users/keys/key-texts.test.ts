import { beforeAll, describe, expect, test } from "vitest";
import type { UserId } from "../../../src/protocol/identifiers.ts";
import type { Users } from "../../../src/users/users.ts";
import { signJson } from "../../../src/protocol/signed-json.ts";
import { caughtUp } from "../../support/caught-up.ts";
import { makeDevice, makeIdentity } from "./devices.ts";
import { person, seen, t } from "./people.ts";

let other: Users;
beforeAll(async () => {
  other = await t.replica();
});

const all = (userId: UserId) => new Map([[userId, []]]);

describe("what is remembered of a user's keys", () => {
  test("is right after each change, here and on another replica", async () => {
    const { userId, device, identity } = await person(true);
    const { keys, devices } = other;
    const { master_key, user_signing_key } = makeIdentity(userId, "second").keys;
    const again = signJson({ ...user_signing_key, signatures: {} }, userId, identity.master);
    const second = makeDevice(userId, "SECOND");
    const target = identity.master.publicKeyBase64;
    const changes: (() => Promise<unknown>)[] = [
      () => keys.uploadCrossSigningKeys(userId, identity.keys, true),
      () => devices.rename(userId, "FIRST", "Télephone"),
      () =>
        keys.upload(device, {
          device_keys: signJson(device.deviceKeys(), userId, identity.selfSigning),
        }),
      () =>
        keys.uploadSignatures(userId, { [userId]: { [target]: device.sign(master(identity)) } }),
      () => keys.uploadCrossSigningKeys(userId, { user_signing_key: again }, true),
      async () => {
        await other.sessions.issue(userId, { deviceId: "SECOND" });
        await keys.upload(second, { device_keys: second.deviceKeys() });
      },
      () => keys.upload(device, { device_keys: device.deviceKeys({ "org.example": 1 }) }),
      () => devices.remove(userId, ["SECOND"]),
      () => keys.uploadCrossSigningKeys(userId, { master_key }, true),
      () => other.deactivation.deactivate(userId, false),
    ];
    let before = await ofBoth(userId);
    for (const change of changes) {
      await change();
      const now = await ofBoth(userId);
      expect(now).not.toEqual(before);
      before = now;
    }
    expect(before).toMatchObject({ deviceKeys: new Map([[userId, new Map()]]) });
  });

  test("is not read again until something changes", async () => {
    const { userId } = await person();
    const { userId: asker } = await person();
    const first = await t.users.keys.query(asker, all(userId));
    await t.sql`UPDATE devices SET display_name = 'behind the log' WHERE user_id = ${userId}`;
    expect(await t.users.keys.query(asker, all(userId))).toEqual(first);
    await t.users.devices.rename(userId, "FIRST", "told by the log");
    const now = await t.users.keys.query(asker, all(userId));
    expect(now.deviceKeys.get(userId)?.get("FIRST")).toContain("told by the log");
  });

  test("does not hide an account that comes after the question", async () => {
    const userId = "@later:here.test" as UserId;
    expect((await t.users.keys.query(undefined, all(userId))).deviceKeys.size).toBe(0);
    await t.users.registration.create("later", "pw");
    expect((await t.users.keys.query(undefined, all(userId))).deviceKeys.size).toBe(1);
  });
});

const master = (identity: ReturnType<typeof makeIdentity>) => identity.keys.master_key;

/** What the user sees of the own keys, on both replicas; the second one made the change. */
async function ofBoth(userId: UserId) {
  const there = await other.keys.query(userId, all(userId));
  await caughtUp(t.log, t.sql);
  await seen(userId, userId);
  expect(await t.users.keys.query(userId, all(userId))).toEqual(there);
  return there;
}
