import type { UserId } from "../protocol/identifiers.ts";
import type { Devices } from "../users/sessions/devices.ts";

/** The name of the user's device that a client would take the place of; undefined: there is none. */
export async function replacedDevice(
  devices: Devices,
  userId: UserId,
  deviceId: string,
): Promise<string | undefined> {
  const found = (await devices.list(userId)).find((device) => device.deviceId === deviceId);
  return found && (found.displayName ?? deviceId);
}
