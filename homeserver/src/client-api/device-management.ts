import type { Requester } from "../http/authenticate.ts";
import { route, type Route } from "../http/route.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { Device } from "../users/devices.ts";
import type { Users } from "../users/users.ts";

export function deviceManagementRoutes(deps: { users: Users }): Route[] {
  const { devices, uia } = deps.users;

  /** Signing devices out needs the password. @throws UiaChallenge 401 */
  async function removeAuthorised(
    requester: Requester,
    operation: string,
    body: JsonObject,
    deviceIds: readonly string[],
  ): Promise<void> {
    const { userId } = requester;
    await uia.authorise({ operation, body, userId, flows: [["m.login.password"]] });
    await devices.remove(userId, deviceIds);
  }

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
      if (body.display_name === undefined) await devices.get(userId, params.deviceId);
      else await devices.rename(userId, params.deviceId, body.display_name);
    }),

    // DELETE /_matrix/client/v3/devices/{deviceId}
    route("deleteDevice", ({ requester, params, body }) => {
      const operation = `deleteDevice ${params.deviceId}`;
      return removeAuthorised(requester, operation, body, [params.deviceId]);
    }),

    // POST /_matrix/client/v3/delete_devices
    route("deleteDevices", ({ requester, body }) =>
      removeAuthorised(requester, "deleteDevices", body, body.devices),
    ),
  ];
}

function deviceBody(device: Device): object {
  return {
    device_id: device.deviceId,
    ...(device.displayName !== null && { display_name: device.displayName }),
    ...(device.lastSeenTs !== null && { last_seen_ts: device.lastSeenTs }),
    ...(device.lastSeenIp !== null && { last_seen_ip: device.lastSeenIp }),
  };
}
