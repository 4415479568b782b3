import {
  DeviceId,
  DeviceLists,
  DecryptionSettings,
  EncryptionSettings,
  initAsync,
  OlmMachine,
  RequestType,
  RoomId,
  TrustRequirement,
  UserId,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { Body, TestUser } from "../../support/user.ts";
import { eventually } from "../../support/wait.ts";
import { untilAnswered } from "../support/talk.ts";

/** Every one-time key that a server handed out: "user device key id" → how often. Fallback keys are not among them. */
export type HandedOut = Map<string, number>;

/**
 * The keys of one device: the Rust crypto that clients use, kept in memory, over plain HTTP. Each request is repeated
 * until the server answers it, and one that names servers that failed until it names none.
 */
export interface CryptoDevice {
  /** Takes in what a sync told of keys and of messages for the device. */
  receive(sync: Body): Promise<void>;
  /** Uploads, asks and claims whatever is due. */
  settle(): Promise<void>;
  /** Whose devices it is to know from now on. */
  track(userIds: readonly string[]): Promise<void>;
  /** The ids of a user's devices, as far as it knows them. */
  devicesOf(userId: string): Promise<string[]>;
  /** Shares the room's key with all devices of the members, and encrypts. */
  encrypt(roomId: string, members: readonly string[], content: object): Promise<Body>;
  /** The decrypted event. @throws MegolmDecryptionError */
  decrypt(event: Body): Promise<Body>;
}

const TURNS = 20;
const PATIENCE = { within: 120_000, every: 200 };

/** @param rotateAfter so many messages have a room key in common */
export async function createCryptoDevice(
  user: TestUser,
  handedOut: HandedOut,
  rotateAfter: number,
): Promise<CryptoDevice> {
  await initAsync();
  const machine = await OlmMachine.initialize(new UserId(user.userId), new DeviceId(user.deviceId));
  const ids = (userIds: readonly string[]) => userIds.map((userId) => new UserId(userId));
  let settling: Promise<void> = Promise.resolve();

  async function carryOut(request: Request): Promise<void> {
    const answer = await answerTo(user, request);
    if (request.type === RequestType.KeysClaim) note(answer, handedOut);
    if (request.id !== undefined)
      await machine.markRequestAsSent(request.id, request.type, JSON.stringify(answer));
  }

  async function carryOutAll(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn += 1) {
      const requests = (await machine.outgoingRequests()) as unknown as Request[];
      if (requests.length === 0) return;
      for (const request of requests) await carryOut(request);
    }
    throw new Error(`${user.userId} ${user.deviceId} asks without an end`);
  }

  const settle = () => (settling = settling.then(carryOutAll));

  async function openSessions(members: readonly string[]): Promise<void> {
    for (let turn = 0; turn < TURNS; turn += 1) {
      const claim = await machine.getMissingSessions(ids(members));
      if (!claim) return;
      await carryOut(claim);
    }
    throw new Error(`${user.userId} ${user.deviceId} claims keys without an end`);
  }

  return {
    settle,
    async receive(sync) {
      const { changed = [], left = [] } = sync.device_lists ?? {};
      let lists = new DeviceLists(ids(changed), ids(left));
      // One by one: of two copies of a room key that come together, the library keeps the later one, which may open fewer
      // messages. (A sender gives a key once more in a new session.)
      const messages: Body[][] = (sync.to_device?.events ?? []).map((event: Body) => [event]);
      for (const portion of messages.length > 0 ? messages : [[]]) {
        await machine.receiveSyncChanges(
          JSON.stringify(portion),
          lists,
          new Map<string, number>(Object.entries(sync.device_one_time_keys_count)),
          new Set<string>(sync.device_unused_fallback_key_types),
          new DecryptionSettings(TrustRequirement.Untrusted),
        );
        lists = new DeviceLists([], []);
      }
    },
    async track(userIds) {
      await machine.updateTrackedUsers(ids(userIds));
    },
    async devicesOf(userId) {
      const devices = (await machine.getUserDevices(new UserId(userId))).devices();
      return devices.map((device) => device.deviceId.toString());
    },
    async encrypt(roomId, members, content) {
      await machine.updateTrackedUsers(ids(members));
      await settle();
      await openSessions(members);
      const settings = new EncryptionSettings();
      settings.rotationPeriodMessages = BigInt(rotateAfter);
      const shares = await machine.shareRoomKey(new RoomId(roomId), ids(members), settings);
      for (const share of shares as Request[]) await carryOut(share);
      const type = "m.room.message";
      const text = await machine.encryptRoomEvent(
        new RoomId(roomId),
        type,
        JSON.stringify(content),
      );
      return JSON.parse(text);
    },
    async decrypt(event) {
      const settings = new DecryptionSettings(TrustRequirement.Untrusted);
      const found = await machine.decryptRoomEvent(
        JSON.stringify(event),
        new RoomId(event.room_id),
        settings,
      );
      return JSON.parse(found.event);
    },
  };
}

/** What all kinds of the library's requests have in common. */
interface Request {
  readonly id?: string | undefined;
  readonly type: RequestType;
  readonly body: string;
  readonly event_type?: string;
  readonly txn_id?: string;
}

function answerTo(user: TestUser, request: Request): Promise<Body> {
  const body = JSON.parse(request.body);
  const ask = (method: string, path: string) => untilAnswered(user, method, path, body);
  const askAll = (path: string) =>
    eventually<Body>(
      `an answer to ${path} without failures`,
      async () => {
        const answer = await ask("POST", path);
        return Object.keys(answer.failures ?? {}).length === 0 ? answer : undefined;
      },
      PATIENCE,
    );
  switch (request.type) {
    case RequestType.KeysUpload:
      return ask("POST", "/keys/upload");
    case RequestType.KeysQuery:
      return askAll("/keys/query");
    case RequestType.KeysClaim:
      return askAll("/keys/claim");
    case RequestType.ToDevice:
      return ask("PUT", `/sendToDevice/${request.event_type}/${request.txn_id}`);
    default:
      throw new Error(`a request of kind ${request.type} is not expected`);
  }
}

function note(claimed: Body, handedOut: HandedOut): void {
  for (const [userId, devices] of Object.entries<Body>(claimed.one_time_keys ?? {}))
    for (const [deviceId, keys] of Object.entries<Body>(devices))
      for (const [keyId, key] of Object.entries<Body>(keys)) {
        if (key.fallback === true) continue;
        const name = `${userId} ${deviceId} ${keyId} ${key.key}`;
        handedOut.set(name, (handedOut.get(name) ?? 0) + 1);
      }
}
