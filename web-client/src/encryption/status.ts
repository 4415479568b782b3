import type { EncryptionStatus } from "./port.ts";

/** What is known before an engine has said anything. */
export function unknownStatus(deviceId: string): EncryptionStatus {
  return {
    engine: "off",
    device: { deviceId, fingerprint: "", isVerified: false },
    crossSigning: { exists: false, hasKeys: false },
    backup: { version: undefined, isActive: false, canRestore: false, waiting: 0 },
    secretStorage: { exists: false, hasPassphrase: false },
    next: undefined,
  };
}
