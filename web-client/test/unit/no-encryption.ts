import { atom } from "nanostores";
import { EncryptionError } from "../../src/encryption/errors.ts";
import type { Encryption } from "../../src/encryption/port.ts";
import { roomAlgorithm } from "../../src/encryption/room-algorithm.ts";
import { unknownStatus } from "../../src/encryption/status.ts";

const refuse = (): Promise<never> => Promise.reject(new EncryptionError("unavailable"));

/** A client without an engine: open rooms work as ever, encrypted ones are neither read nor written. */
export function noEncryption(deviceId: string): Encryption {
  return {
    $status: atom(unknownStatus(deviceId)),
    $verifications: atom([]),
    account: { setUp: refuse, unlock: refuse, reset: refuse, restart: refuse },
    verification: {
      request: refuse,
      accept: refuse,
      startEmoji: refuse,
      confirm: refuse,
      scanned: refuse,
      cancel: refuse,
      dismiss: () => undefined,
    },
    trust: {
      user: () => atom("unknown"),
      devices: () => atom(undefined),
      room: () => atom({ state: "unknown", changed: [], unverified: [] }),
      accept: refuse,
    },
    rooms: {
      algorithm: roomAlgorithm,
      canWrite: (room) => roomAlgorithm(room) === "none",
      prepare: () => undefined,
      initialState: () => ({
        type: "m.room.encryption",
        state_key: "",
        content: { algorithm: "m.megolm.v1.aes-sha2" },
      }),
      turnOn: refuse,
      shield: refuse,
      retry: refuse,
      encrypt: refuse,
    },
    keys: { export: refuse, import: refuse },
    close: () => Promise.resolve(),
  };
}
