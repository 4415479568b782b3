import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import * as storage from "../../storage/users/devices.ts";
import type { Sql, Tx } from "../../storage/sql.ts";
import { transaction } from "../../storage/transaction.ts";
import type { Sessions } from "./sessions.ts";
import { plainText } from "../common/text.ts";
import type { UserHooks } from "../common/types.ts";

/** A device as its owner sees it. */
export interface Device {
  readonly deviceId: string;
  readonly displayName: string | null;
  /** ms since 1970. */
  readonly lastSeenTs: number | null;
  readonly lastSeenIp: string | null;
}

/** The devices of local users. (Client-server API, "Device Management".) */
export interface Devices {
  list(userId: UserId): Promise<Device[]>;
  /** @throws MatrixError M_NOT_FOUND 404 */
  get(userId: UserId, deviceId: string): Promise<Device>;
  /** @throws MatrixError M_NOT_FOUND 404, M_INVALID_PARAM 400 */
  rename(userId: UserId, deviceId: string, displayName: string): Promise<void>;
  /** Signs devices out and deletes them; unknown ones are passed over. */
  remove(userId: UserId, deviceIds: readonly string[]): Promise<void>;
  /**
   * Signs out and deletes all devices but one (undefined: all without exception). `first` is done before, in the same
   * transaction.
   */
  removeOthers(
    userId: UserId,
    except: string | undefined,
    first?: (tx: Tx) => Promise<void>,
  ): Promise<void>;
}

export function createDevices(deps: {
  sql: Sql;
  sessions: Sessions;
  hooks: Pick<UserHooks, "devicesChanged">;
}): Devices {
  const { sql, sessions, hooks } = deps;

  async function removed(userId: UserId, deviceIds: readonly string[]): Promise<void> {
    sessions.forget(userId);
    if (deviceIds.length > 0) await hooks.devicesChanged(userId, deviceIds, "removed");
  }

  return {
    async list(userId) {
      await sessions.flushLastSeen();
      return await storage.listDevices(sql, userId);
    },

    async get(userId, deviceId) {
      await sessions.flushLastSeen();
      const device = isStorable(deviceId)
        ? await storage.findDevice(sql, userId, deviceId)
        : undefined;
      if (device === undefined) throw errors.notFound("No such device");
      return device;
    },

    async rename(userId, deviceId, displayName) {
      const name = plainText(displayName, "display_name", 1000);
      const renamed =
        isStorable(deviceId) && (await storage.updateDeviceName(sql, userId, deviceId, name));
      if (!renamed) throw errors.notFound("No such device");
      await hooks.devicesChanged(userId, [deviceId], "renamed");
    },

    async remove(userId, deviceIds) {
      const ids = deviceIds.filter(isStorable);
      const gone = await transaction(sql, async (tx) => {
        await sessions.revoke(tx, userId, ids);
        return await storage.deleteDeviceRows(tx, userId, ids);
      });
      await removed(userId, gone);
    },

    async removeOthers(userId, except, first) {
      const gone = await transaction(sql, async (tx) => {
        await first?.(tx);
        const ids = await storage.deleteOtherDevices(tx, userId, except ?? null);
        await sessions.revoke(tx, userId, ids);
        return ids;
      });
      await removed(userId, gone);
    },
  };
}

/** Device ids with NUL cannot exist, and PostgreSQL would refuse to look for them. */
function isStorable(deviceId: string): boolean {
  return deviceId.isWellFormed() && !deviceId.includes("\0");
}
