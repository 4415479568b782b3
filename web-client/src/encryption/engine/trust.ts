import {
  OwnUserIdentity,
  UserId,
  type Device,
  type OtherUserIdentity,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import type { DeviceTrust, UserTrust } from "../port.ts";
import { userIds, type Core } from "./core.ts";
import type { Writing } from "./writing.ts";

/** A key in groups of four, as people compare it. */
export function grouped(key: string): string {
  return key.match(/.{1,4}/g)?.join(" ") ?? "";
}

function trustOf(identity: OwnUserIdentity | OtherUserIdentity | undefined): UserTrust {
  if (identity === undefined) return "none";
  if (identity.hasVerificationViolation()) return "violated";
  if (identity.isVerified()) return "verified";
  if (identity instanceof OwnUserIdentity) return "unverified";
  return identity.identityNeedsUserApproval() ? "changed" : "unverified";
}

function deviceTrust(device: Device): DeviceTrust {
  return {
    deviceId: device.deviceId.toString(),
    name: device.displayName,
    fingerprint: grouped(device.ed25519Key?.toBase64() ?? ""),
    isSigned: device.isCrossSignedByOwner(),
    isVerified: device.isCrossSigningTrusted() || device.isLocallyTrusted(),
    // One that its owner has not signed may be anybody's, and is not to hide behind what it says of itself.
    isDehydrated: device.isDehydrated && device.isCrossSignedByOwner(),
  };
}

/** What is known of users and their devices. */
export function createTrust({ machine, requests, userId, deviceId }: Core, writing: Writing) {
  return {
    async users(users: readonly string[]): Promise<UserTrust[]> {
      await writing.track(users);
      const found: UserTrust[] = [];
      for (const user of users) {
        const [id] = userIds([user]);
        found.push(trustOf(id && (await machine.getIdentity(id))));
      }
      return found;
    },

    async devices(user: string): Promise<DeviceTrust[]> {
      await writing.track([user]);
      const devices = (await machine.getUserDevices(new UserId(user))).devices();
      const known = devices
        .filter((device) => !device.isDeleted())
        .map((device) => {
          const known = deviceTrust(device);
          const isOwn = user === userId && known.deviceId === deviceId;
          // Of itself a device knows more than its own signature says.
          return isOwn ? { ...known, isVerified: device.isCrossSignedByOwner() } : known;
        });
      return known.toSorted((a, b) => Number(a.isDehydrated) - Number(b.isDehydrated));
    },

    /** Takes someone's present identity as it is, unverified. */
    async accept(user: string): Promise<void> {
      const identity = await machine.getIdentity(new UserId(user));
      if (identity === undefined || identity instanceof OwnUserIdentity) return;
      if (identity.hasVerificationViolation()) await identity.withdrawVerification();
      await identity.pinCurrentMasterKey();
      await requests.flush();
    },
  };
}
