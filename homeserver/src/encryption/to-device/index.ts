import type { Log } from "../../log/types.ts";
import type { Random } from "../../platform/random.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { messagesFor, type WaitingFor } from "../../storage/users/to-device.ts";
import type { SharingServers } from "./sharing-servers.ts";
import { createDelivered } from "./delivered.ts";
import { type ForgettingDeps, startForgetting } from "./forgetting.ts";
import { createLocalDevices } from "./local-devices.ts";
import { createReceiving, type ReceiveToDevice } from "./receiving.ts";
import { createSending, type SendToDevice } from "./sending.ts";

/** Messages for devices. (Client-server API, "Send-to-Device messaging".) */
export interface ToDevice {
  send: SendToDevice;
  receive: ReceiveToDevice;
  /**
   * The first messages that wait for a device with after < position ≤ upTo, oldest first, without
   * those that it has got already.
   */
  waiting: (which: WaitingFor) => ReturnType<typeof messagesFor>;
  /**
   * A device has what was sent to it up to this log position: it is deleted a moment later. Call it
   * with every sync whose token says so.
   */
  delivered(userId: string, deviceId: string, upTo: number): void;
  stop(): Promise<void>;
}

export interface ToDeviceDeps extends ForgettingDeps {
  readonly sharing: Pick<SharingServers, "has">;
  readonly log: Log;
  readonly random: Random;
  readonly serverName: ServerName;
  readonly rateLimits: () => boolean;
}

export function createToDevice(deps: ToDeviceDeps): ToDevice {
  const devices = createLocalDevices(deps);
  const delivered = createDelivered(deps);
  const stopForgetting = startForgetting(deps);
  return {
    send: createSending({ ...deps, devices }),
    receive: createReceiving({ ...deps, devices }),
    waiting(which) {
      const got = delivered.upTo(which.userId, which.deviceId);
      return messagesFor(deps.sql, { ...which, after: Math.max(which.after, got) });
    },
    delivered: (userId, deviceId, upTo) => delivered.note({ userId, deviceId, upTo }),
    async stop() {
      devices.stop();
      await Promise.all([delivered.stop(), stopForgetting()]);
    },
  };
}
