import {
  DecryptionSettings,
  DeviceId,
  DeviceLists,
  EncryptionSettings,
  type MegolmDecryptionError,
  OlmMachine,
  RequestType,
  RoomId,
  TrustRequirement,
  UserId,
  initAsync,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { JsonObject } from "../harness/json.ts";
import { eventually } from "../harness/must.ts";
import { syncOnce } from "../harness/sync.ts";
import type { User } from "../harness/users.ts";
import { ask } from "./ask.ts";
import { oneEvent } from "./compare.ts";
import { newsOf } from "./keys.ts";

/** A device that encrypts and decrypts with the Rust crypto of today's clients, its keys in memory. */
export interface CryptoDevice {
  readonly user: User;
  /** Encrypts for all devices of these users, and sends; the event's id. */
  say(roomId: string, to: readonly string[], text: string): Promise<string>;
  /** Waits until it can decrypt the event, and answers what it says. */
  read(roomId: string, eventId: string): Promise<string>;
}

const TURNS = 20;

interface Request {
  readonly id?: string | undefined;
  readonly type: RequestType;
  readonly body: string;
  readonly event_type?: string;
  readonly txn_id?: string;
}

export async function openCryptoDevice(user: User): Promise<CryptoDevice> {
  await initAsync();
  const machine = await OlmMachine.initialize(new UserId(user.userId), new DeviceId(user.deviceId));
  const ids = (userIds: readonly string[]) => userIds.map((userId) => new UserId(userId));
  let since: string | undefined;

  async function carryOut(request: Request): Promise<void> {
    const [method, path] = placeOf(request);
    const answer = await ask(user, method, path, { body: JSON.parse(request.body) as JsonObject });
    if (request.id !== undefined)
      await machine.markRequestAsSent(request.id, request.type, JSON.stringify(answer));
  }

  async function settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) {
      const requests = (await machine.outgoingRequests()) as unknown as Request[];
      if (requests.length === 0) return;
      for (const request of requests) await carryOut(request);
    }
  }

  async function catchUp(): Promise<void> {
    const body = await syncOnce(user, { since });
    const news = newsOf(body);
    await machine.receiveSyncChanges(
      JSON.stringify(news.to_device?.events ?? []),
      new DeviceLists(ids(news.device_lists?.changed ?? []), ids(news.device_lists?.left ?? [])),
      new Map(Object.entries(news.device_one_time_keys_count ?? {})),
      new Set(news.device_unused_fallback_key_types),
      new DecryptionSettings(TrustRequirement.Untrusted),
    );
    await settle();
    since = body.next_batch;
  }

  await catchUp();
  return {
    user,
    async say(roomId, to, text) {
      await catchUp();
      await machine.updateTrackedUsers(ids(to));
      await settle();
      const claim = await machine.getMissingSessions(ids(to));
      if (claim) await carryOut(claim);
      const settings = new EncryptionSettings();
      const shares = await machine.shareRoomKey(new RoomId(roomId), ids(to), settings);
      for (const share of shares as Request[]) await carryOut(share);
      const content = JSON.stringify({ msgtype: "m.text", body: text });
      const sealed = await machine.encryptRoomEvent(new RoomId(roomId), "m.room.message", content);
      return user.send(roomId, JSON.parse(sealed) as JsonObject, "m.room.encrypted");
    },
    read: (roomId, eventId) =>
      eventually(`${user.userId} ${user.deviceId} decrypts ${eventId}`, async () => {
        await catchUp();
        const event = JSON.stringify({
          ...(await oneEvent(user, roomId, eventId)),
          room_id: roomId,
        });
        const settings = new DecryptionSettings(TrustRequirement.Untrusted);
        const found = await machine
          .decryptRoomEvent(event, new RoomId(roomId), settings)
          .catch(inWords);
        return (JSON.parse(found.event) as { content: { body: string } }).content.body;
      }),
  };
}

function inWords(error: unknown): never {
  const { description, withheldCode } = error as MegolmDecryptionError;
  throw new Error(`${description} ${withheldCode ?? ""}`);
}

function placeOf(request: Request): ["POST" | "PUT", string[]] {
  switch (request.type) {
    case RequestType.KeysUpload:
      return ["POST", ["v3", "keys", "upload"]];
    case RequestType.KeysQuery:
      return ["POST", ["v3", "keys", "query"]];
    case RequestType.KeysClaim:
      return ["POST", ["v3", "keys", "claim"]];
    case RequestType.ToDevice:
      return ["PUT", ["v3", "sendToDevice", request.event_type ?? "", request.txn_id ?? ""]];
    default:
      throw new Error(`a request of kind ${request.type} is not expected`);
  }
}
