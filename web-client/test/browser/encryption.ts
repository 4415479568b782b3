import { atom, type WritableAtom } from "nanostores";
import { noEncryption } from "../unit/no-encryption.ts";
import { decryptionOf } from "../../src/encryption/decryption.ts";
import type {
  DeviceTrust,
  Encryption,
  EncryptionStatus,
  RoomTrust,
  Shield,
  UserTrust,
  Verification,
} from "../../src/encryption/port.ts";
import type { Room } from "../../src/store/room.ts";

/** A device that is verified and backed up. */
const WELL: EncryptionStatus = {
  engine: "ready",
  device: { deviceId: "D", fingerprint: "ab12 Cd34 Ef56 gh78 ij90 Kl12", isVerified: true },
  crossSigning: { exists: true, hasKeys: true },
  backup: { version: "1", isActive: true, canRestore: true, waiting: 0 },
  secretStorage: { exists: true, hasPassphrase: false },
  next: undefined,
};

/** An account that has no identity yet. */
export const FRESH: Partial<EncryptionStatus> = {
  device: { ...WELL.device, isVerified: false },
  crossSigning: { exists: false, hasKeys: false },
  backup: { version: undefined, isActive: false, canRestore: false, waiting: 3 },
  secretStorage: { exists: false, hasPassphrase: false },
  next: "set-up",
};

/** A new device of an account that has an identity. */
export const NEW_DEVICE: Partial<EncryptionStatus> = {
  device: { ...WELL.device, isVerified: false },
  crossSigning: { exists: true, hasKeys: false },
  backup: { version: "1", isActive: false, canRestore: false, waiting: 0 },
  next: "verify",
};

export const KEY = "EsTc Qxj6 9GqW 3gVw hV6t 8mjf 2J7C 1P2s 4dKR 9Qzk 7uNb YfXe";

/** A verification in its first phase. */
export const asked = (about: Partial<Verification> = {}): Verification => ({
  id: "v1",
  phase: "asked",
  userId: "@ann:two",
  deviceId: "ANNS",
  isSelf: false,
  isIncoming: true,
  roomId: "!room:one",
  expiresAt: Date.now() + 120_000,
  canEmoji: false,
  canShowQr: false,
  canScanQr: false,
  qr: undefined,
  emoji: undefined,
  decimals: undefined,
  end: undefined,
  ...about,
});

export const SEVEN = [0, 4, 16, 27, 36, 54, 61].map((number) => ({
  number,
  symbol: "?",
  description: "?",
}));

export const device = (deviceId: string, about: Partial<DeviceTrust> = {}): DeviceTrust => ({
  deviceId,
  name: undefined,
  fingerprint: "",
  isSigned: true,
  isVerified: true,
  isDehydrated: false,
  ...about,
});

type Answers = Record<string, (...args: never[]) => unknown>;

/**
 * The port to encryption with everything held in memory. Its stores are moved by the test; what is asked of it is noted, and
 * answered from a table (default: undefined). Messages that came open have `openShield`.
 */
export function playEncryption(
  status: Partial<EncryptionStatus> = {},
  answers: Answers = {},
  openShield: Shield = { color: "none" },
) {
  const calls: unknown[][] = [];
  const $status = atom<EncryptionStatus>({ ...WELL, ...status });
  const $verifications = atom<readonly Verification[]>([]);
  const users = new Map<string, WritableAtom<UserTrust>>();
  const devices = new Map<string, WritableAtom<readonly DeviceTrust[] | undefined>>();
  const rooms = new Map<string, WritableAtom<RoomTrust>>();

  function part<T extends object>(name: string, known: Partial<T> = {}): T {
    const get = (_: T, key: string): unknown =>
      known[key as keyof T] ??
      (async (...args: never[]) => {
        const what = `${name}.${key}`;
        calls.push([what, ...args]);
        return answers[what]?.(...args);
      });
    return new Proxy({} as T, { get });
  }

  function lookUp<K, V>(held: Map<K, WritableAtom<V>>, key: K, first: V): WritableAtom<V> {
    const store = held.get(key) ?? atom(first);
    held.set(key, store);
    return store;
  }

  const user = (id: string) => lookUp<string, UserTrust>(users, id, "unverified");
  const devicesOf = (id: string) =>
    lookUp<string, readonly DeviceTrust[] | undefined>(devices, id, undefined);
  const room = (of: Room) =>
    lookUp<string, RoomTrust>(rooms, of.roomId, { state: "normal", changed: [], unverified: [] });
  const put = (verification: Verification): void =>
    $verifications.set([
      ...$verifications.get().filter(({ id }) => id !== verification.id),
      verification,
    ]);

  const { rooms: open } = noEncryption("D");
  const encryption: Encryption = {
    $status,
    $verifications,
    account: part<Encryption["account"]>("account"),
    verification: part<Encryption["verification"]>("verification", {
      dismiss: (gone) => $verifications.set($verifications.get().filter(({ id }) => id !== gone)),
    }),
    trust: part<Encryption["trust"]>("trust", { user, devices: devicesOf, room }),
    rooms: part<Encryption["rooms"]>("rooms", {
      algorithm: open.algorithm,
      initialState: open.initialState,
      canWrite: (of) => open.algorithm(of) !== "unknown",
      prepare: () => undefined,
      shield: async (_, event): Promise<Shield> => {
        const decryption = decryptionOf(event);
        if (decryption?.state === "readable") return decryption.shield;
        return openShield;
      },
    }),
    keys: part<Encryption["keys"]>("keys"),
    close: () => Promise.resolve(),
  };
  return {
    encryption,
    calls,
    user,
    devicesOf,
    room,
    put,
    setStatus: (next: Partial<EncryptionStatus>) => $status.set({ ...$status.get(), ...next }),
  };
}
