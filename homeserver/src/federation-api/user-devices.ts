import type { Encryption } from "../encryption/index.ts";
import { route, type Route } from "../http/route.ts";
import { errors } from "../protocol/errors.ts";
import { parseUserId } from "../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";

export interface UserDevicesDeps {
  readonly encryption: Encryption;
}

/** Devices of this server's users, for other servers. (Server-server API, "Device Management".) */
export function userDevicesRoutes({ encryption }: UserDevicesDeps): Route[] {
  return [
    // GET /_matrix/federation/v1/user/devices/{userId}
    route("getUserDevices", async ({ params }) => {
      const userId = parseUserId(params.userId);
      const list = await encryption.keys.served.devices(userId);
      if (list === undefined) throw errors.notFound("There is no such user here");
      return {
        user_id: userId,
        stream_id: list.streamId,
        devices: [...list.devices].map(([deviceId, keys]) => presentDevice(deviceId, keys)),
        ...(list.masterKey && { master_key: list.masterKey }),
        ...(list.selfSigningKey && { self_signing_key: list.selfSigningKey }),
      };
    }),
  ];
}

function presentDevice(device_id: string, { unsigned, ...keys }: JsonObject): JsonObject {
  const name = isJsonObject(unsigned) ? unsigned["device_display_name"] : undefined;
  return { device_id, keys, ...(name !== undefined && { device_display_name: name }) };
}
