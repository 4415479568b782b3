import { describe, expect, test } from "vitest";
import type { Verification } from "../../../src/encryption/port.ts";
import { eventually } from "../eventually.ts";
import { createKeyServer, roomOf, settle, write, readBy, type SignedIn } from "./key-server.ts";

const ANN = "@ann:one";
const BEN = "@ben:two";

/** Syncs both till the newest verification of each is in this phase. */
async function reach(phase: Verification["phase"], ...all: SignedIn[]): Promise<void> {
  await eventually(async () => {
    await settle(...all);
    expect(all.map((one) => one.verification?.phase)).toEqual(all.map(() => phase));
  });
}

async function twoDevices(scans = true) {
  const server = createKeyServer();
  const old = await server.signIn(ANN, "A1", scans);
  await old.calls.setUp({});
  const event = await write(old, roomOf("!room:one", old), "long ago");
  await eventually(() => expect(old.status?.backup.waiting).toBe(0));
  const fresh = await server.signIn(ANN, "A2", scans);
  await settle(old, fresh);
  return { server, old, fresh, event };
}

async function asked(from: SignedIn, to: SignedIn): Promise<string> {
  const id = await from.calls.requestVerification(to.userId);
  await eventually(async () => {
    await settle(from, to);
    expect(to.verification).toMatchObject({ id, phase: "asked", isIncoming: true, isSelf: true });
  });
  await to.calls.acceptVerification(id);
  await reach("ready", from, to);
  return id;
}

describe("a new device of one's own", () => {
  test("is verified by emoji, gets the secrets, and reads the history", async () => {
    const { old, fresh, event } = await twoDevices();
    const id = await asked(fresh, old);
    expect(fresh.verification).toMatchObject({ canEmoji: true, deviceId: "A1", isIncoming: false });
    await fresh.calls.startEmoji(id);
    await reach("emoji", old, fresh);
    expect(old.verification?.emoji).toHaveLength(7);
    expect(fresh.verification?.emoji).toEqual(old.verification?.emoji);
    expect(fresh.verification?.decimals).toEqual(old.verification?.decimals);
    await fresh.calls.confirmVerification(id);
    expect(fresh.verification?.phase).toBe("confirming");
    await old.calls.confirmVerification(id);
    await reach("done", old, fresh);
    await eventually(async () => {
      await settle(old, fresh);
      expect(fresh.status).toMatchObject({
        device: { isVerified: true },
        crossSigning: { hasKeys: true },
        backup: { isActive: true, canRestore: true },
        next: undefined,
      });
      expect(await readBy(fresh, event)).toBe("long ago");
    });
  });

  test("is verified by a code that it shows", async () => {
    const { old, fresh } = await twoDevices();
    const id = await asked(fresh, old);
    await eventually(async () => {
      await settle(old, fresh);
      expect(fresh.verification?.qr).toBeInstanceOf(Uint8Array);
    });
    expect(old.verification).toMatchObject({ canScanQr: true });
    await expect(old.calls.scanned(id, new Uint8Array([1, 2, 3]))).rejects.toMatchObject({
      problem: "wrong-code",
    });
    await old.calls.scanned(id, fresh.verification!.qr!);
    await eventually(async () => {
      await settle(old, fresh);
      expect(fresh.verification?.phase).toBe("scanned");
    });
    await fresh.calls.confirmVerification(id);
    await reach("done", old, fresh);
    await eventually(async () => {
      await settle(old, fresh);
      expect(fresh.status?.device.isVerified).toBe(true);
    });
  });

  test("goes on when several syncs come at once: each side makes one code", async () => {
    const { old, fresh } = await twoDevices();
    const id = await fresh.calls.requestVerification(old.userId);
    await reach("asked", old);
    await Promise.all([old.calls.acceptVerification(id), old.sync(), old.sync()]);
    await Promise.all(Array.from({ length: 8 }, () => fresh.sync()));
    await settle(old, fresh);
    for (const one of [old, fresh]) {
      expect(one.verification).toMatchObject({ id, phase: "ready", canShowQr: true });
    }
  });

  test("cannot scan where there is no camera", async () => {
    const { old, fresh } = await twoDevices(false);
    await asked(fresh, old);
    expect(old.verification).toMatchObject({ canScanQr: false, canShowQr: false, canEmoji: true });
  });

  for (const [why, code] of [
    ["mismatch", "m.mismatched_sas"],
    ["user", "m.user"],
  ] as const) {
    test(`stays unverified when ${why === "user" ? "it is broken off" : "the emoji differ"}`, async () => {
      const { old, fresh } = await twoDevices();
      const id = await asked(fresh, old);
      await old.calls.startEmoji(id);
      await reach("emoji", old, fresh);
      await old.calls.cancelVerification(id, why);
      await reach("cancelled", old, fresh);
      expect(old.verification?.end).toMatchObject({ code, byUs: true });
      expect(fresh.verification?.end).toMatchObject({ code, byUs: false });
      expect(fresh.status).toMatchObject({ device: { isVerified: false }, next: "verify" });
      await old.calls.dismissVerification(id);
      expect(old.verification).toBeUndefined();
      await expect(old.calls.startEmoji(id)).rejects.toMatchObject({
        problem: "verification-over",
      });
    });
  }
});

test("two people verify one another through a room, and each sees it", async () => {
  const server = createKeyServer();
  const ann = await server.signIn(ANN, "A1");
  const ben = await server.signIn(BEN, "B1");
  await Promise.all([ann.calls.setUp({}), ben.calls.setUp({})]);
  await settle(ann, ben);
  const carried = new Set<unknown>();
  /** Brings what each sent to the room to both, as sync does. */
  const carry = async (): Promise<void> => {
    for (const { roomId, event } of [...ann.rooms, ...ben.rooms]) {
      if (carried.has(event)) continue;
      carried.add(event);
      for (const to of [ann, ben]) {
        await to.calls.roomVerification(roomId, JSON.stringify({ ...event, room_id: roomId }));
      }
    }
    await settle(ann, ben);
  };
  const both = (phase: Verification["phase"]): Promise<void> =>
    eventually(async () => {
      await carry();
      expect([ann.verification?.phase, ben.verification?.phase]).toEqual([phase, phase]);
    });
  const id = await ann.calls.requestVerificationIn("!dm:one", BEN);
  await eventually(async () => {
    await carry();
    expect(ben.verification).toMatchObject({
      id,
      phase: "asked",
      isSelf: false,
      roomId: "!dm:one",
    });
  });
  await ben.calls.acceptVerification(id);
  await both("ready");
  await ben.calls.startEmoji(id);
  await both("emoji");
  expect(ann.verification?.emoji).toEqual(ben.verification?.emoji);
  await ann.calls.confirmVerification(id);
  await ben.calls.confirmVerification(id);
  await both("done");
  await eventually(async () => {
    await carry();
    expect(await ann.calls.userTrust([BEN])).toEqual(["verified"]);
    expect(await ben.calls.userTrust([ANN])).toEqual(["verified"]);
  });
  const [device] = await ann.calls.devices(BEN);
  expect(device).toMatchObject({ deviceId: "B1", isSigned: true, isVerified: true });
  expect(device?.fingerprint).toMatch(/^(\S{4} )+\S+$/);

  // Ben gives up his identity: nothing is written to him before Ann has decided.
  await ben.calls.reset({});
  await settle(ann, ben);
  await eventually(async () => expect(await ann.calls.userTrust([BEN])).toEqual(["violated"]));
  const room = roomOf("!dm:one", ann, ben);
  await expect(write(ann, room, "x")).rejects.toMatchObject({ problem: "identity-changed" });
  await ann.calls.acceptIdentity(BEN);
  expect(await ann.calls.userTrust([BEN])).toEqual(["unverified"]);
  const event = await write(ann, room, "still you?");
  await settle(ann, ben);
  expect(await readBy(ben, event)).toBe("still you?");
});
