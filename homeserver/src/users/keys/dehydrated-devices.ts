import type { Change, Log } from "../../log/types.ts";
import type { Clock } from "../../platform/clock.ts";
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import * as storage from "../../storage/users/dehydrated-devices.ts";
import { deleteDeviceRows, insertDevice } from "../../storage/users/devices.ts";
import type { Exclusive } from "../../storage/exclusive.ts";
import type { Sql } from "../../storage/sql.ts";
import { messagesFor } from "../../storage/users/to-device.ts";
import { ensureNoCrossSigningKey } from "../common/device-ids.ts";
import { plainText } from "../common/text.ts";
import type { KeyUpload } from "./types.ts";
import type { KeyUploads } from "./upload.ts";

/** A dehydrated device that a client stores. */
interface NewDehydratedDevice {
  readonly deviceId: string;
  readonly deviceData: JsonObject;
  readonly displayName: string | undefined;
  readonly keys: KeyUpload;
}

/** Messages for a dehydrated device. */
interface DehydratedMessages {
  /** JSON object texts, oldest first. */
  readonly messages: readonly string[];
  /** Where to read on. */
  readonly nextBatch: string;
  readonly hasMore: boolean;
}

/**
 * Dehydrated devices: at most one of each user, which nobody is signed in with. Others encrypt for it
 * as for any device, and what they send stays until it is deleted. (MSC3814.)
 */
export interface DehydratedDevices {
  /**
   * Stores a user's device. The former one ends.
   * @throws MatrixError M_BAD_JSON, M_INVALID_PARAM or M_INVALID_SIGNATURE 400, M_TOO_LARGE 413;
   *   then the former one stays
   */
  put(userId: UserId, device: NewDehydratedDevice): Promise<void>;
  /** @throws MatrixError M_NOT_FOUND 404 */
  get(userId: UserId): Promise<{ deviceId: string; deviceData: JsonObject }>;
  /** Its id; undefined: the user has none. */
  idOf(userId: UserId): Promise<string | undefined>;
  /** Ends it; returns its id. @throws MatrixError M_NOT_FOUND 404 */
  remove(userId: UserId): Promise<string>;
  /**
   * What was sent to it, in pages: after `from`, or from the beginning.
   * @throws MatrixError M_FORBIDDEN 403 for another device, M_INVALID_PARAM 400 for a token that is
   *   none
   */
  messages(
    userId: UserId,
    deviceId: string,
    from: string | undefined,
    limit?: number,
  ): Promise<DehydratedMessages>;
}

const MAX_DATA_BYTES = 65_536;
const MAX_NAME_BYTES = 1_000;
const PAGE = 100;

export function createDehydratedDevices(deps: {
  readonly sql: Sql;
  readonly log: Log;
  readonly clock: Clock;
  readonly keys: KeyUploads;
  /** Of several that a user stores at once, one comes after the other. */
  readonly exclusive: Exclusive;
}): DehydratedDevices {
  const { sql, log, clock, keys, exclusive } = deps;

  async function end({ tx, record }: Change, userId: UserId): Promise<string | undefined> {
    const deviceId = await storage.lockDehydratedDevice(tx, userId);
    if (deviceId === undefined) return undefined;
    await deleteDeviceRows(tx, userId, [deviceId]);
    record({ kind: "device_list", userId, deviceId, isRemoved: true });
    return deviceId;
  }

  return {
    async put(userId, device) {
      const { deviceId, deviceData, displayName, keys: upload } = device;
      plainText(deviceId, "device_id", 255);
      const name =
        displayName === undefined
          ? null
          : plainText(displayName, "initial_device_display_name", MAX_NAME_BYTES);
      const text = JSON.stringify(deviceData);
      if (Buffer.byteLength(text) > MAX_DATA_BYTES) {
        throw errors.tooLarge(`device_data is longer than ${MAX_DATA_BYTES} bytes`);
      }
      const prepared = await keys.prepare({ userId, deviceId }, upload);
      const store = async (change: Change) => {
        await end(change, userId);
        await ensureNoCrossSigningKey(change.tx, userId, deviceId);
        const row = { userId, deviceId, displayName: name, createdTs: clock.now() };
        if (!(await insertDevice(change.tx, row))) {
          throw errors.invalidParam(`${JSON.stringify(deviceId)} is a device that is signed in`);
        }
        await storage.insertDehydratedDevice(change.tx, userId, { deviceId, deviceData: text });
        change.record({ kind: "device_list", userId, deviceId, isRemoved: false });
        await prepared.store(change);
      };
      await exclusive.run(`dehydrated device of ${userId}`, () => log.change(store));
    },

    async get(userId) {
      const found = await storage.findDehydratedDevice(sql, userId);
      if (found === undefined) throw noDevice();
      const { deviceId, deviceData } = found;
      return { deviceId, deviceData: JSON.parse(deviceData) as JsonObject };
    },

    idOf: async (userId) => (await storage.findDehydratedDevice(sql, userId))?.deviceId,

    async remove(userId) {
      const deviceId = await log.change((change) => end(change, userId));
      if (deviceId === undefined) throw noDevice();
      return deviceId;
    },

    async messages(userId, deviceId, from, limit = PAGE) {
      const after = from === undefined ? 0 : positionOf(from);
      const upTo = log.position;
      const found = await storage.findDehydratedDevice(sql, userId);
      if (found?.deviceId !== deviceId) {
        throw errors.forbidden("That is not your dehydrated device");
      }
      const count = Math.min(limit, PAGE);
      const which = { userId, deviceId, after, upTo, limit: count + 1 };
      const rows = await messagesFor(sql, which);
      const page = rows.slice(0, count);
      return {
        messages: page.map(({ message }) => message),
        nextBatch: `d${page.at(-1)?.position ?? after}`,
        hasMore: rows.length > count,
      };
    },
  };
}

function positionOf(token: string): number {
  const [, digits] = /^d(\d{1,15})$/.exec(token) ?? [];
  if (digits === undefined) throw errors.invalidParam("from is no next_batch of a former answer");
  return Number(digits);
}

function noDevice(): Error {
  return errors.notFound("You have no dehydrated device");
}
