import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { UserId } from "../protocol/identifiers.ts";
import type { Device } from "../users/sessions/devices.ts";
import type { Users } from "../users/users.ts";
import { usersInPaths } from "./known-user.ts";

/** Devices of users, by the paths that tools for Synapse use. */
export function devicesRoutes({ users }: { users: Users }): Route[] {
  const { devices, dehydratedDevices } = users;
  const { known, open } = usersInPaths(users.accounts);

  return [
    // GET /_synapse/admin/v2/users/{userId}/devices
    route("listUserDevices", async ({ params }) => {
      const userId = await known(params.userId);
      const all = await devices.list(userId);
      const dehydrated = await dehydratedDevices.idOf(userId);
      const shown = all.map((device) => ({
        ...deviceOf(userId, device),
        dehydrated: device.deviceId === dehydrated,
      }));
      return { devices: shown, total: shown.length };
    }),

    // POST /_synapse/admin/v2/users/{userId}/devices
    route("createUserDevice", async ({ params, body }) => {
      await devices.create(await open(params.userId), body.device_id, body.display_name);
      return json({}, { status: 201 });
    }),

    // GET /_synapse/admin/v2/users/{userId}/devices/{deviceId}
    route("getUserDevice", async ({ params }) => {
      const userId = await known(params.userId);
      return deviceOf(userId, await devices.get(userId, params.deviceId));
    }),

    // PUT /_synapse/admin/v2/users/{userId}/devices/{deviceId}
    route("updateUserDevice", async ({ params, body }) => {
      const userId = await known(params.userId);
      if (body.display_name === undefined) await devices.get(userId, params.deviceId);
      else await devices.rename(userId, params.deviceId, body.display_name);
    }),

    // DELETE /_synapse/admin/v2/users/{userId}/devices/{deviceId}
    route("deleteUserDevice", async ({ params }) => {
      await devices.remove(await known(params.userId), [params.deviceId]);
    }),

    // POST /_synapse/admin/v2/users/{userId}/delete_devices
    route("deleteUserDevices", async ({ params, body }) => {
      await devices.remove(await known(params.userId), body.devices);
    }),
  ];
}

function deviceOf(userId: UserId, device: Device) {
  return {
    device_id: device.deviceId,
    display_name: device.displayName,
    last_seen_ip: device.lastSeenIp,
    last_seen_user_agent: device.lastSeenUserAgent,
    last_seen_ts: device.lastSeenTs,
    user_id: userId,
  };
}
