import type { Clock } from "../../platform/clock.ts";
import { errors } from "../../protocol/errors.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { deleteBrowserSessionsOf } from "../../storage/oauth/browser-sessions.ts";
import { deleteGrantsOf } from "../../storage/oauth/sessions.ts";
import * as storage from "../../storage/users/devices.ts";
import type { Change, Log } from "../../log/types.ts";
import type { Sql } from "../../storage/sql.ts";
import { endActingBy } from "./acting.ts";
import type { Sessions } from "./sessions.ts";
import { ensureNoCrossSigningKey } from "../common/device-ids.ts";
import { plainText } from "../common/text.ts";

/** A device as its owner sees it. */
export interface Device {
  readonly deviceId: string;
  readonly displayName: string | null;
  /** ms since 1970. */
  readonly lastSeenTs: number | null;
  readonly lastSeenIp: string | null;
  /** What it called itself then. */
  readonly lastSeenUserAgent: string | null;
}

/** The devices of local users. (Client-server API, "Device Management".) */
export interface Devices {
  list(userId: UserId): Promise<Device[]>;
  /** When and from where each was last seen, and what it called itself. */
  lastSightings(userId: UserId): Promise<storage.LastSighting[]>;
  /** @throws MatrixError M_NOT_FOUND 404 */
  get(userId: UserId, deviceId: string): Promise<Device>;
  exists(userId: UserId, deviceId: string): Promise<boolean>;
  /**
   * Makes a device without a session, for an application service. One that is there stays as it is.
   * @throws MatrixError M_INVALID_PARAM 400 for an unusable device id or name
   */
  create(userId: UserId, deviceId: string, displayName: string | undefined): Promise<void>;
  /** @throws MatrixError M_NOT_FOUND 404, M_INVALID_PARAM 400 */
  rename(userId: UserId, deviceId: string, displayName: string): Promise<void>;
  /** Signs devices out and deletes them; unknown ones are passed over. */
  remove(userId: UserId, deviceIds: readonly string[]): Promise<void>;
  /**
   * Signs out and deletes all devices but one (undefined: all, and browsers on the server's own
   * pages, with what was granted there and not used yet). An administrator acts as others no more. `first` runs before, in the same change.
   */
  removeOthers(
    userId: UserId,
    except: string | undefined,
    first?: (change: Change) => Promise<void>,
  ): Promise<void>;
}

export function createDevices(deps: {
  sql: Sql;
  log: Log;
  clock: Clock;
  sessions: Sessions;
}): Devices {
  const { sql, log, clock, sessions } = deps;

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

    async lastSightings(userId) {
      await sessions.flushLastSeen();
      return await storage.lastSightings(sql, userId);
    },

    async get(userId, deviceId) {
      await sessions.flushLastSeen();
      const device = isStorable(deviceId)
        ? await storage.findDevice(sql, userId, deviceId)
        : undefined;
      if (device === undefined) throw errors.notFound("No such device");
      return device;
    },

    async exists(userId, deviceId) {
      if (!isStorable(deviceId)) return false;
      return (await storage.findDevice(sql, userId, deviceId)) !== undefined;
    },

    async create(userId, id, wishedName) {
      const deviceId = plainText(id, "device_id", 255);
      const displayName =
        wishedName === undefined ? null : plainText(wishedName, "display_name", 1000);
      await log.change(async ({ tx, record }) => {
        await ensureNoCrossSigningKey(tx, userId, deviceId);
        const device = { userId, deviceId, displayName, createdTs: clock.now() };
        if (await storage.insertDevice(tx, device)) {
          record({ kind: "device_list", userId, deviceId, isRemoved: false });
        }
      });
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
      await sessions.flushLastSeen();
      await log.change(async (change) => {
        await sessions.revoke(change, userId, ids);
        removed(change, userId, await storage.deleteDeviceRows(change.tx, userId, ids));
      });
    },

    async removeOthers(userId, except, first) {
      await sessions.flushLastSeen();
      await log.change(async (change) => {
        await first?.(change);
        if (except === undefined) await endBrowsers(change, userId);
        await endActingBy(change, userId);
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

async function endBrowsers({ tx }: Change, userId: UserId): Promise<void> {
  await deleteGrantsOf(tx, userId);
  await deleteBrowserSessionsOf(tx, userId);
}
