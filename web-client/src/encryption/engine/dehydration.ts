import {
  DehydratedDeviceKey,
  DeviceId,
  PutDehydratedDeviceRequest,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { number, object, text, type Content } from "../../api/types.ts";
import { fromBase64 } from "../base64.ts";
import { createQueue } from "../queue.ts";
import { isMissing } from "./backup-versions.ts";
import type { Core } from "./core.ts";
import { portions } from "./receiving.ts";
import type { SecretStorage } from "./secret-storage.ts";

/** Where the key of the dehydrated device stands in secret storage. */
export const DEHYDRATION = "org.matrix.msc3814";
const DEVICE = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device";
/** The account data that says when the dehydrated device was made, for all devices of the account. */
const MADE = "org.weft.dehydrated_device";
/** Milliseconds after which it is replaced: its one-time keys are used up some day. */
const MAX_AGE = 7 * 86_400_000;
/** Messages of a page, and pages at most. */
const PAGE = "100";
const MAX_PAGES = 1000;

interface Stored {
  device_id?: unknown;
  device_data?: unknown;
}

/**
 * The dehydrated device of the account (MSC3814): it lies on the server, sealed, and is sent keys while no other device is
 * signed in. Whoever signs in next and has the recovery key reads them there.
 */
export function createDehydration(
  { machine, requests, userId }: Core,
  storage: Pick<SecretStorage, "read" | "add">,
) {
  const inTurn = createQueue();
  const devices = machine.dehydratedDevices();
  const made = `/_matrix/client/v3/user/${encodeURIComponent(userId)}/account_data/${MADE}`;

  async function get<T>(path: string, query?: Record<string, string>): Promise<T | undefined> {
    try {
      return await requests.json<T>({ method: "GET", path, ...(query && { query }) });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Takes in what was sent to the dehydrated device. Rejects when it could not be asked for to the end. */
  async function wake(key: DehydratedDeviceKey): Promise<void> {
    const stored = await get<Stored>(DEVICE);
    const id = stored?.device_id;
    if (typeof id !== "string") return;
    let device;
    try {
      const data = JSON.stringify(stored?.device_data);
      device = await devices.rehydrate(key, new DeviceId(id), data);
    } catch {
      // Sealed with another key, or broken: nobody reads it any more.
      return;
    }
    let from: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const query = { limit: PAGE, ...(from !== undefined && { from }) };
      const answer = await get<Content>(`${DEVICE}/${encodeURIComponent(id)}/events`, query);
      const events = Array.isArray(answer?.["events"]) ? (answer["events"] as Content[]) : [];
      if (events.length === 0) return;
      for (const portion of portions(events)) await device.receiveEvents(JSON.stringify(portion));
      const next = text(answer, "next_batch");
      if (next === undefined || next === from) return;
      from = next;
    }
  }

  async function make(key: DehydratedDeviceKey): Promise<void> {
    const device = await devices.create();
    const { body }: PutDehydratedDeviceRequest = await device.keysForUpload(
      "Dehydrated device",
      key,
    );
    await requests.json({ method: "PUT", path: DEVICE, body });
    await requests.json({ method: "PUT", path: made, body: JSON.stringify({ ts: Date.now() }) });
  }

  /** Reads what the present one was sent, and puts another one in its place. */
  async function replace(): Promise<void> {
    const key = await devices.getDehydratedDeviceKey();
    const { hasSelfSigning } = await machine.crossSigningStatus();
    if (key === undefined || !hasSelfSigning) return;
    await wake(key);
    await make(key);
  }

  async function adopt(base64: string): Promise<boolean> {
    try {
      await devices.saveDehydratedDeviceKey(
        DehydratedDeviceKey.createKeyFromArray(fromBase64(base64)),
      );
      return true;
    } catch {
      return false;
    }
  }

  /** The key for secret storage in base64: the one that this device keeps, else a new one, which it keeps. */
  async function key(): Promise<string> {
    const kept = await devices.getDehydratedDeviceKey();
    if (kept !== undefined) return kept.toBase64();
    const fresh = DehydratedDeviceKey.createRandomKey();
    const base64 = fresh.toBase64();
    await devices.saveDehydratedDeviceKey(fresh);
    return base64;
  }

  return {
    key,
    /** Another identity has another key. */
    forget: (): Promise<void> => devices.deleteDehydratedDeviceKey(),

    /** Takes the key out of secret storage, which is open, or puts one there. */
    async open(keyId: string, storageKey: Uint8Array<ArrayBuffer>): Promise<void> {
      const stored = await storage.read(DEHYDRATION, keyId, storageKey);
      if (stored !== undefined && (await adopt(stored))) return;
      await storage.add(DEHYDRATION, await key(), keyId, storageKey);
    },

    /** Has a device that was made lately lie on the server, if this device has what it takes. */
    keep: (): Promise<void> =>
      inTurn(async () => {
        if ((await devices.getDehydratedDeviceKey()) === undefined) return;
        const at = number(await get<Content>(made), "ts") ?? 0;
        const stored = await get<Stored>(DEVICE);
        if (object(stored as Content, "device_data") !== undefined && Date.now() - at < MAX_AGE)
          return;
        await replace();
      }),

    /** The same at once: the account's secrets have just been opened, or made anew. */
    replace: (): Promise<void> => inTurn(replace),
  };
}
