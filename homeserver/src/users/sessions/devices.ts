import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import * as storage from "../../storage/users/devices.ts";
import type { Change, Log } from "../../log/types.ts";
import type { Sql } from "../../storage/sql.ts";
import type { Sessions } from "./sessions.ts";
import { plainText } from "../common/text.ts";

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
   * Signs out and deletes all devices but one (undefined: all). `first` runs before, in the same
   * change.
   */
  removeOthers(
    userId: UserId,
    except: string | undefined,
    first?: (change: Change) => Promise<void>,
  ): Promise<void>;
}

export function createDevices(deps: { sql: Sql; log: Log; sessions: Sessions }): Devices {
  const { sql, log, sessions } = deps;

  function removed({ record }: Change, userId: UserId, deviceIds: readonly string[]): void {
    for (const deviceId of deviceIds) {
      record({ kind: "device_list", userId, deviceId, isRemoved: true });
    }
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
      if (!isStorable(deviceId)) throw errors.notFound("No such device");
      await log.change(async ({ tx, record }) => {
        const isKnown = await storage.updateDeviceName(tx, userId, deviceId, name);
        if (!isKnown) throw errors.notFound("No such device");
        record({ kind: "device_list", userId, deviceId, isRemoved: false });
      });
    },

    async remove(userId, deviceIds) {
      const ids = deviceIds.filter(isStorable);
      await log.change(async (change) => {
        await sessions.revoke(change, userId, ids);
        removed(change, userId, await storage.deleteDeviceRows(change.tx, userId, ids));
      });
    },

    async removeOthers(userId, except, first) {
      await log.change(async (change) => {
        await first?.(change);
        const ids = await storage.deleteOtherDevices(change.tx, userId, except ?? null);
        await sessions.revoke(change, userId, ids);
        removed(change, userId, ids);
      });
    },
  };
}

/** Device ids with NUL cannot exist, and PostgreSQL would refuse to look for them. */
function isStorable(deviceId: string): boolean {
  return deviceId.isWellFormed() && !deviceId.includes("\0");
}
