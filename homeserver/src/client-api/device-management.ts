import { json } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { Device } from "../users/sessions/devices.ts";
import type { Users } from "../users/users.ts";
import { provePasswordUnlessService } from "./prove-password.ts";

export function deviceManagementRoutes({ users }: { users: Users }): Route[] {
  const { devices } = users;

  return [
    // GET /_matrix/client/v3/devices
    route("getDevices", async ({ requester }) => ({
      devices: (await devices.list(requester.userId)).map(deviceBody),
    })),

    // GET /_matrix/client/v3/devices/{deviceId}
    route("getDevice", async ({ requester, params }) =>
      deviceBody(await devices.get(requester.userId, params.deviceId)),
    ),

    // PUT /_matrix/client/v3/devices/{deviceId}
    route("updateDevice", async ({ requester, params, body }) => {
      const { userId } = requester;
      if (requester.service && !(await devices.exists(userId, params.deviceId))) {
        await devices.create(userId, params.deviceId, body.display_name);
        return json({}, { status: 201 });
      }
      if (body.display_name === undefined) await devices.get(userId, params.deviceId);
      else await devices.rename(userId, params.deviceId, body.display_name);
      return {};
    }),

    // DELETE /_matrix/client/v3/devices/{deviceId}
    route("deleteDevice", async (context) => {
      const { requester, params } = context;
      const { deviceId } = params;
      await provePasswordUnlessService(users, `deleteDevice ${deviceId}`, context);
      await devices.remove(requester.userId, [deviceId]);
    }),

    // POST /_matrix/client/v3/delete_devices
    route("deleteDevices", async (context) => {
      const { requester, body } = context;
      await provePasswordUnlessService(users, "deleteDevices", context);
      await devices.remove(requester.userId, body.devices);
    }),
  ];
}

function deviceBody(device: Device): object {
  return {
    device_id: device.deviceId,
    // null when unset: some clients fail on the whole list when the key is missing.
    display_name: device.displayName,
    last_seen_ts: device.lastSeenTs,
    last_seen_ip: device.lastSeenIp,
  };
}
