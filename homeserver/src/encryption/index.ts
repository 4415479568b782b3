import type { ServerName } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import { createDeviceLists, type DeviceLists, type DeviceListsDeps } from "./device-lists/index.ts";
import { createKeysOfAll, type KeysDeps } from "./keys/index.ts";
import { createSharingServers, type SharingServers } from "./to-device/sharing-servers.ts";
import { createToDevice, type ToDevice, type ToDeviceDeps } from "./to-device/index.ts";

export { inboxBounds } from "./to-device/inbox-bounds.ts";
export { outboxBounds } from "./to-device/outbox-bounds.ts";

/** What end-to-end encryption needs besides the keys of local users. */
export interface Encryption {
  /** Keys of users of all servers. */
  readonly keys: ReturnType<typeof createKeysOfAll>;
  readonly toDevice: ToDevice;
  /**
   * Takes in an EDU about encryption; others are passed over, and what is malformed is dropped.
   * @throws LogUnavailable, or the database's error, when it is unavailable or refuses; MatrixError
   *   M_LIMIT_EXCEEDED 429 when the server is to send it again later
   */
  receive(origin: ServerName, type: string, content: JsonObject): Promise<void>;
  readonly sharing: Pick<SharingServers, "has">;
  stop(): Promise<void>;
}

export type EncryptionDeps = Omit<ToDeviceDeps, "sharing"> &
  DeviceListsDeps &
  Pick<KeysDeps, "localKeys">;

export function createEncryption(deps: EncryptionDeps): Encryption {
  const stopping = new AbortController();
  const sharing = createSharingServers(deps);
  const toDevice = createToDevice({ ...deps, sharing });
  const deviceLists = createDeviceLists(deps);
  const keys = createKeysOfAll({ ...deps, deviceLists, signal: stopping.signal });
  return {
    keys,
    toDevice,
    receive: receiver(toDevice, deviceLists),
    sharing,
    async stop() {
      stopping.abort();
      sharing.stop();
      await Promise.all([toDevice.stop(), deviceLists.stop()]);
    },
  };
}

function receiver(toDevice: ToDevice, { updates }: DeviceLists): Encryption["receive"] {
  return async (origin, type, content) => {
    switch (type) {
      case "m.direct_to_device":
        return toDevice.receive(origin, content);
      case "m.device_list_update":
        return updates.device(origin, content);
      case "m.signing_key_update":
        return updates.signingKeys(origin, content);
    }
  };
}
