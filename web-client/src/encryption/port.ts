import type { ReadableAtom } from "nanostores";
import type { Proofs } from "../api/uia.ts";
import type { Content, EventContent, MatrixEvent } from "../api/types.ts";
import type { Room } from "../store/room.ts";

/**
 * The one way from the app to end-to-end encryption. Behind it an engine runs in a worker, one for all tabs of a
 * device. Whatever may change is a store; what is asked for answers with a promise. Promises reject with
 * {@link EncryptionError}, or with `ApiError`, `NetworkError` and `NeedsProof` as requests do.
 */
export interface Encryption {
  readonly $status: ReadableAtom<EncryptionStatus>;
  /** Verifications under way, and those that ended until they are dismissed. Newest last. */
  readonly $verifications: ReadableAtom<readonly Verification[]>;

  readonly account: EncryptionAccount;
  readonly verification: VerificationActions;
  readonly trust: TrustView;
  readonly rooms: RoomEncryption;
  readonly keys: KeyFiles;

  /**
   * Lets go of the engine. With `forget`, all keys of this device are deleted from this machine; the promise
   * resolves when they are gone.
   */
  close(forget: boolean): Promise<void>;
}

/** Why an encryption's promise rejected, for a sentence that says what helps. */
export type EncryptionProblem =
  /** This browser cannot encrypt (no WebAssembly, no place to keep keys), or the engine could not start. */
  | "unavailable"
  /** The recovery key or passphrase does not open the secrets of this account. */
  | "wrong-key"
  /** What was typed is no recovery key: a character is wrong or lacking. */
  | "malformed-key"
  /** There is no secret storage to unlock, or it has no passphrase. */
  | "nothing-to-unlock"
  /** The private keys of the account are not on this device: it is to be verified or unlocked first. */
  | "keys-missing"
  /** The file is no export of keys, or its passphrase is another one. */
  | "bad-key-file"
  /** The room asks for an algorithm that this client does not know. */
  | "unknown-algorithm"
  /** Someone who was verified here has another identity now: nothing is sent till the person decides. */
  | "identity-changed"
  /** The verification has ended, or is not where this step can be taken. */
  | "verification-over"
  /** The code that was scanned is not the other device's. */
  | "wrong-code";

/** What goes on: the engine, this device, and the account's three safeguards. */
export interface EncryptionStatus {
  /**
   * `off`: nobody asked for it yet; `starting`: it is loaded; `ready`; `failed`: see `problem`. Until it is ready
   * the other fields say what was known last, or nothing.
   */
  engine: "off" | "starting" | "ready" | "failed";
  /** What failed, for people who report it. */
  problem?: string;
  device: {
    deviceId: string;
    /** The device's Ed25519 key in groups of four, as two people compare it; "" while it is not known. */
    fingerprint: string;
    /** True when the account's own identity has signed this device: others see it as trustworthy. */
    isVerified: boolean;
  };
  crossSigning: {
    /** True when the account has an identity on the server. */
    exists: boolean;
    /** True when this device holds the private keys: it can verify others, and sign new devices in. */
    hasKeys: boolean;
  };
  backup: {
    /** The version on the server, or undefined when there is none. */
    version: string | undefined;
    /** True when this device adds its keys to it. */
    isActive: boolean;
    /** True when this device can read keys from it. */
    canRestore: boolean;
    /** Keys of this device that are not in it yet. */
    waiting: number;
  };
  secretStorage: {
    exists: boolean;
    /** True when a passphrase opens it too, and not only the recovery key. */
    hasPassphrase: boolean;
  };
  /**
   * What the person is to be offered. `set-up`: the account has no identity yet; `verify`: it has one, and this
   * device is not part of it; `recovery`: all is well, but nothing could be restored after a loss of all devices.
   */
  next: "set-up" | "verify" | "recovery" | undefined;
}

/** A way into secret storage. Spaces in a recovery key don't matter. */
export type Unlocking = { recoveryKey: string } | { passphrase: string };

export interface EncryptionAccount {
  /**
   * Makes what is lacking: identity, secret storage, key backup. Answers the recovery key, which is shown once and
   * kept by nobody else. With a passphrase, that opens secret storage too. Rejects with `NeedsProof` when the server
   * asks for the password (an identity is replaced); call again with `proofs`.
   */
  setUp(options: { passphrase?: string; proofs?: Proofs }): Promise<{ recoveryKey: string }>;
  /** Fetches the account's secrets from secret storage, verifies this device by them, and opens the backup. */
  unlock(by: Unlocking): Promise<void>;
  /**
   * Gives up the identity, secret storage and backups of this account and makes new ones. Messages whose keys are on
   * no device any more can never be read. Others see that the identity changed.
   */
  reset(options: { passphrase?: string; proofs?: Proofs }): Promise<{ recoveryKey: string }>;
  /** Turns the engine on again after it failed. */
  restart(): Promise<void>;
}

/** One of the seven pictures that both compare. `number` (0 to 63) is its place in the specification's table. */
export interface VerificationEmoji {
  number: number;
  symbol: string;
  /** Its English name. */
  description: string;
}

/** Why a verification ended without success. `code` is the specification's (`m.user`, `m.timeout`, `m.mismatched_sas` …). */
export interface VerificationEnd {
  code: string;
  /** The other side's words, from a stranger. */
  reason: string;
  byUs: boolean;
}

/**
 * `asked`: they ask, and we may accept; `waiting`: we asked; `ready`: both are there, and one chooses a way; `starting`: a way
 * was chosen; `emoji`: compare `emoji` or `decimals`; `scanned`: the other device has scanned our code and the person
 * confirms it; `confirming`: we have confirmed and wait for them; `done`; `cancelled`: see `end`.
 */
export type VerificationPhase =
  | "asked"
  | "waiting"
  | "ready"
  | "starting"
  | "emoji"
  | "scanned"
  | "confirming"
  | "done"
  | "cancelled";

/** A verification as it stands now. It changes by being replaced by another object of the same `id`. */
export interface Verification {
  readonly id: string;
  readonly phase: VerificationPhase;
  /** Who is verified; with `isSelf`, another device of our own. */
  readonly userId: string;
  /** The other device, once it is known. */
  readonly deviceId: string | undefined;
  readonly isSelf: boolean;
  /** True when they began it. */
  readonly isIncoming: boolean;
  /** The room it goes through; undefined when it goes from device to device. */
  readonly roomId: string | undefined;
  /** Milliseconds since the epoch at which it ends by itself. */
  readonly expiresAt: number;
  /** The ways that both sides can go, from phase `ready` on. */
  readonly canEmoji: boolean;
  readonly canShowQr: boolean;
  readonly canScanQr: boolean;
  /** The bytes to show as a QR code (byte mode), in phase `ready` when `canShowQr`. */
  readonly qr: Uint8Array | undefined;
  /** Seven of them in phase `emoji`, when both sides know emoji. */
  readonly emoji: readonly VerificationEmoji[] | undefined;
  /** The three numbers in phase `emoji`. */
  readonly decimals: readonly [number, number, number] | undefined;
  readonly end: VerificationEnd | undefined;
}

export interface VerificationActions {
  /**
   * Asks someone to verify, or with our own id our other devices; with `deviceId` that device only. Answers the id of the
   * verification. For others it goes through the direct chat when there is one.
   */
  request(userId: string, deviceId?: string): Promise<string>;
  accept(id: string): Promise<void>;
  /** Chooses comparing emoji. */
  startEmoji(id: string): Promise<void>;
  /** The emoji are the same on both sides, or the other device says that it scanned ours. */
  confirm(id: string): Promise<void>;
  /** Takes the bytes of a code that the camera read. Rejects with `wrong-code`. */
  scanned(id: string, bytes: Uint8Array): Promise<void>;
  /** Ends it; `mismatch` says that the emoji differ. */
  cancel(id: string, why?: "user" | "mismatch"): Promise<void>;
  /** Takes an ended one off the list. */
  dismiss(id: string): void;
}

/**
 * `unknown`: not looked up yet; `none`: they have no identity; `unverified`; `verified`; `changed`: the identity is another one
 * than was seen first; `violated`: they were verified, and their identity is another one now.
 */
export type UserTrust = "unknown" | "none" | "unverified" | "verified" | "changed" | "violated";

/** A device of someone, as far as encryption knows it. */
export interface DeviceTrust {
  deviceId: string;
  /** The name that its owner gave it; from a stranger. */
  name: string | undefined;
  fingerprint: string;
  /** True when it is signed by its owner's identity. */
  isSigned: boolean;
  /** True when that identity is verified by us (or is our own). */
  isVerified: boolean;
  /** True for what lies on the server, signed by its owner, to be sent keys while they are away. Last in lists. */
  isDehydrated: boolean;
}

/** How much a room's people can be trusted: `warning` when somebody's identity changed or was violated. */
export interface RoomTrust {
  state: "unknown" | "normal" | "verified" | "warning";
  /** Who is to be looked at, when `state` is `warning`. */
  changed: readonly string[];
  /** Who has not been verified. */
  unverified: readonly string[];
}

/** Stores are looked up when someone first watches them, and follow what happens for as long as someone does. */
export interface TrustView {
  user(userId: string): ReadableAtom<UserTrust>;
  /** Undefined until it is known. */
  devices(userId: string): ReadableAtom<readonly DeviceTrust[] | undefined>;
  room(room: Room): ReadableAtom<RoomTrust>;
  /** Takes the new identity of someone whose identity `changed` or was `violated` as it is, unverified. */
  accept(userId: string): Promise<void>;
}

/** `none`: written openly; `megolm`: encrypted; `unknown`: encrypted in a way that nobody here can write. */
export type RoomAlgorithm = "none" | "megolm" | "unknown";

/** What the person should know about who wrote an event. `none`: nothing to be said. */
export type Shield =
  | { color: "none" }
  | {
      color: "grey" | "red";
      why:
        | "authenticity-not-guaranteed"
        | "unknown-device"
        | "unsigned-device"
        | "unverified-identity"
        | "verification-violation"
        | "mismatched-sender"
        | "sent-open";
    };

/** Why an event cannot be read. What may heal by itself is asked for already. */
export type Unreadable =
  /** Its key has not come (yet): asked of other devices and of the backup. */
  | "key-missing"
  /** From before this device was signed in, and the backup is not open on it: verify or unlock this device. */
  | "before-this-device"
  /** From before this device was signed in, and there is no backup. */
  | "no-backup"
  /** From before this device was signed in, and not in the backup. */
  | "not-in-backup"
  /** From a time when the person was not in the room. */
  | "not-a-member"
  /** The sender gives its key to verified devices only. */
  | "withheld-unverified"
  /** The sender does not give its key to this device for another reason. */
  | "withheld"
  /** The key's owner is not who the event says. */
  | "not-the-sender"
  /** It is a message that was sent before, sent once more under another id. */
  | "replayed"
  /** The event is broken, or of an algorithm that is not known. */
  | "malformed";

/**
 * What encryption says of an event that came encrypted. Undefined for those that came open. `pending`: not tried yet.
 * A readable event has its true type and content; `wire` is what the server holds.
 */
export type Decryption =
  | { state: "pending" }
  | { state: "readable"; wire: MatrixEvent; shield: Shield }
  | { state: "unreadable"; why: Unreadable; sessionId: string | undefined };

export interface RoomEncryption {
  /** Never goes back from encrypted to `none`, whatever the server says. */
  algorithm(room: Room): RoomAlgorithm;
  /** True when something can be written now: the room is open, or the engine is there to encrypt. */
  canWrite(room: Room): boolean;
  /** Someone begins to write: the keys are handed out before the message is sent. Never rejects. */
  prepare(room: Room): void;
  /** What the room's state is to hold so that it is encrypted from its first message on. */
  initialState(): {
    type: "m.room.encryption";
    state_key: "";
    content: EventContent<"m.room.encryption">;
  };
  /** Turns encryption on in a room, for good. */
  turnOn(room: Room): Promise<void>;
  /** The shield of an event as trust stands now (`decryptionOf` says how it stood when it was read). */
  shield(room: Room, event: MatrixEvent): Promise<Shield>;
  /** Tries anew what could not be read, asking the backup and other devices again. */
  retry(room: Room, eventIds?: readonly string[]): Promise<void>;
  /** The encrypted form of what is to be sent, with its event type. Used by the outbox. */
  encrypt(room: Room, type: string, content: Content): Promise<{ type: string; content: Content }>;
}

export interface KeyFiles {
  /** All keys of messages on this device, as a text file that a passphrase opens. */
  export(passphrase: string): Promise<Blob>;
  /** Takes in such a file, of any client. Answers how many of its keys were new here. */
  import(file: Blob, passphrase: string): Promise<{ imported: number; total: number }>;
}
