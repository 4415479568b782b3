import { EventType, type MatrixClient, Method, MsgType, Preset } from "matrix-js-sdk";
import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import { isSignInWithQRAvailable } from "matrix-js-sdk/lib/rendezvous/index.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { register } from "../support/user.ts";
import { eventually, inTime } from "../support/wait.ts";
import {
  compareEmoji,
  decrypted,
  type JsDevice,
  knowsKeys,
  nextRequest,
  type Owner,
  recover,
  setUp,
  signIn,
} from "./crypto/js-sdk.ts";
import { signInByCode } from "./crypto/qr-code.ts";
import "./support/js-sdk.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";

/** Two servers, and matrix-js-sdk as npm ships it on each. Each test goes on where the one before ended. */
describe("encryption of matrix-js-sdk 43 on two servers", { timeout: 180_000 }, () => {
  let network: Network;
  let here: WeftProcess;
  let there: WeftProcess;
  let alice: Owner;
  let bob: Owner;
  let [laptop, phone, tablet]: JsDevice[] = [];
  let [desk, pocket]: JsDevice[] = [];
  let roomId: string;
  const said: string[] = [];
  const started: MatrixClient[] = [];

  const begin = async (owner: Owner): Promise<JsDevice> => {
    const device = await signIn(owner);
    started.push(device.client);
    return device;
  };

  beforeAll(async () => {
    network = await createNetwork();
    [here, there] = await Promise.all([
      startWeft(network, { name: "here" }),
      startWeft(network, { name: "there" }),
    ]);
    await Promise.all([register(here, "alice"), register(there, "bob")]);
    alice = { username: "alice", server: { baseUrl: here.secureUrl } };
    bob = { username: "bob", server: { baseUrl: there.secureUrl } };
    laptop = await begin(alice);
    desk = await begin(bob);
  }, 180_000);

  afterAll(async () => {
    for (const client of started) client.stopClient();
    await Promise.all([here?.stop(), there?.stop()]);
    await network?.close();
  }, 180_000);

  const say = async ({ client }: JsDevice, body: string): Promise<string> => {
    const { event_id: id } = await client.sendMessage(roomId, { msgtype: MsgType.Text, body });
    said.push(id);
    return id;
  };

  const isVerified = async (by: JsDevice, { userId, deviceId }: JsDevice): Promise<boolean> =>
    (await by.crypto.getDeviceVerificationStatus(userId, deviceId))?.crossSigningVerified === true;

  test("each makes cross-signing keys, secret storage and a backup", async () => {
    for (const [device, owner] of [
      [laptop!, alice],
      [desk!, bob],
    ] as const) {
      await setUp(device, owner);
      expect(await device.crypto.isCrossSigningReady()).toBe(true);
      expect(await device.crypto.isSecretStorageReady()).toBe(true);
      await eventually("a backup", () => device.crypto.getActiveSessionBackupVersion());
      expect(await isVerified(device, device)).toBe(true);
    }
  });

  test.each(["alice", "bob"])("%s verifies a second device by emoji", async (who) => {
    const [owner, first] = who === "alice" ? [alice, laptop!] : [bob, desk!];
    const second = await begin(owner);
    if (who === "alice") phone = second;
    else pocket = second;
    await knowsKeys(second);
    // The library passes over what a device asks that it does not know yet.
    await eventually("the first device knows the second", async () => {
      const devices = await first.crypto.getUserDeviceInfo([second.userId]);
      return devices.get(second.userId)?.has(second.deviceId);
    });
    const asked = nextRequest(first);
    const request = await second.crypto.requestOwnUserVerification();
    const seen = await compareEmoji(request, await inTime("the request", asked));
    expect(seen.own).toHaveLength(7);
    expect(seen.other).toEqual(seen.own);
    await eventually("each trusts the other", async () => {
      const both = await Promise.all([isVerified(first, second), isVerified(second, first)]);
      return both.every((one) => one);
    });
    await eventually("it got the secrets", async () => {
      const { privateKeysCachedLocally: keys } = await second.crypto.getCrossSigningStatus();
      const hasBackup = (await second.crypto.getSessionBackupPrivateKey()) !== null;
      return keys.masterKey && keys.selfSigningKey && keys.userSigningKey && hasBackup;
    });
  });

  test("an encrypted room across the servers: messages both ways are read on all four devices", async () => {
    const { room_id: id } = await laptop!.client.createRoom({
      preset: Preset.PrivateChat,
      invite: [desk!.userId],
      initial_state: [
        {
          type: EventType.RoomEncryption,
          state_key: "",
          content: { algorithm: "m.megolm.v1.aes-sha2" },
        },
      ],
    });
    roomId = id;
    await eventually("the invite", () => desk!.client.getRoom(roomId));
    await desk!.client.joinRoom(roomId);
    const devices = [laptop!, phone!, desk!, pocket!];
    for (const { client } of devices) {
      await eventually(
        "the join",
        () =>
          client.getRoom(roomId)?.getMember(desk!.userId)?.membership === "join" &&
          client.getCrypto()!.isEncryptionEnabledInRoom(roomId),
      );
    }
    for (let turn = 0; turn < 3; turn += 1) {
      for (const [i, writer] of devices.entries()) {
        const eventId = await say(writer, `${i} says ${turn}`);
        for (const reader of devices) {
          const event = await decrypted(reader, roomId, eventId);
          expect(event.getContent().body).toBe(`${i} says ${turn}`);
          expect(event.getWireType()).toBe(EventType.RoomMessageEncrypted);
        }
      }
    }
  });

  test("alice and bob verify one another by emoji, and all their devices know", async () => {
    const asked = nextRequest(desk!);
    const request = await laptop!.crypto.requestVerificationDM(desk!.userId, roomId);
    const seen = await compareEmoji(request, await inTime("the request", asked));
    expect(seen.other).toEqual(seen.own);
    for (const [device, other] of [
      [laptop!, desk!],
      [phone!, desk!],
      [desk!, laptop!],
      [pocket!, laptop!],
    ] as const) {
      await eventually(`${device.userId} ${device.deviceId} trusts the other`, async () =>
        (await device.crypto.getUserVerificationStatus(other.userId)).isCrossSigningVerified(),
      );
    }
    expect(await isVerified(phone!, pocket!)).toBe(true);
    expect(await isVerified(pocket!, phone!)).toBe(true);
  });

  test("a third device restores the keys from the backup and reads what was said", async () => {
    const sessions = new Set<string>();
    for (const id of said)
      sessions.add((await decrypted(laptop!, roomId, id)).getWireContent().session_id);
    await eventually("all keys are in the backup", async () => {
      const { http } = laptop!.client;
      const backup = await http.authedRequest<{ count: number }>(Method.Get, "/room_keys/version");
      return backup.count >= sessions.size;
    });
    tablet = await begin(alice);
    const event = await eventually("an old message", () =>
      tablet!.client.getRoom(roomId)?.findEventById(said[0]!),
    );
    await eventually("it can't be read", () => event.isDecryptionFailure());
    await recover(tablet);
    await tablet.crypto.loadSessionBackupPrivateKeyFromSecretStorage();
    expect((await tablet.crypto.checkKeyBackupAndEnable())?.trustInfo.trusted).toBe(true);
    const { imported, total } = await tablet.crypto.restoreKeyBackup();
    expect(imported).toBe(total);
    expect(imported).toBeGreaterThanOrEqual(sessions.size);
    for (const id of said) await decrypted(tablet, roomId, id);
    await eventually("bob sees that it is verified", () => isVerified(desk!, tablet!));
  });

  test("a dehydrated device gets the keys of what is said while all others are away", async () => {
    expect(await laptop!.crypto.isDehydrationSupported()).toBe(true);
    await laptop!.crypto.startDehydration();
    await eventually("bob knows of it", async () => {
      const devices = await desk!.crypto.getUserDeviceInfo([laptop!.userId]);
      return [...devices.get(laptop!.userId)!.values()].some(({ dehydrated }) => dehydrated);
    });
    for (const { client } of [laptop!, phone!, tablet!]) client.stopClient();
    await desk!.crypto.forceDiscardSession(roomId);
    const eventId = await say(desk!, "while you were away");
    const woken = await begin(alice);
    const event = await eventually("what was said", () =>
      woken.client.getRoom(roomId)?.findEventById(eventId),
    );
    await eventually("it can't be read yet", () => event.isDecryptionFailure());
    await recover(woken);
    const progress: number[] = [];
    woken.client.on(CryptoEvent.RehydrationProgress, (keys) => progress.push(keys));
    await woken.crypto.startDehydration();
    expect(progress.at(-1)).toBeGreaterThan(0);
    expect((await decrypted(woken, roomId, eventId)).getContent().body).toBe("while you were away");
    laptop = woken;
  });

  test("a further device signs in by QR code: it is let in with OAuth, and gets the secrets", async () => {
    expect(await isSignInWithQRAvailable(laptop!.client)).toBe(true);
    const { device, checkCodes } = await signInByCode(laptop!, alice);
    started.push(device.client);
    expect(checkCodes[0]).toMatch(/^\d\d$/);
    expect(checkCodes[1]).toBe(checkCodes[0]);
    await eventually("it is verified for bob", () => isVerified(desk!, device));
    expect(await device.crypto.isCrossSigningReady()).toBe(true);
    const eventId = await say(desk!, "to the newest device");
    await decrypted(device, roomId, eventId);
  });

  test("neither server had anything to complain about", () => {
    expect([...here.logged, ...there.logged]).toEqual([]);
  });
});
