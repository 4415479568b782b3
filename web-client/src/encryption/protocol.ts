import type { Proofs } from "../api/uia.ts";
import type { Content } from "../api/types.ts";
import type {
  DeviceTrust,
  EncryptionStatus,
  Shield,
  Unlocking,
  Unreadable,
  UserTrust,
  Verification,
} from "./port.ts";

/** What goes between a page and the engine in its worker. All of it survives structured cloning. */

/** A Megolm session of a room. */
export interface KeyName {
  roomId: string;
  sessionId: string;
}

/** A request to the homeserver that the engine wants made. `body` is JSON. */
export interface ServerRequest {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  query?: Record<string, string>;
  body?: string;
  /** Milliseconds until it is given up. */
  timeout?: number;
}

/** A room as far as encrypting for it goes. */
export interface RoomTarget {
  roomId: string;
  /** Everyone who is to read what is sent: all members, and the invited where the history is theirs. */
  readers: string[];
  /** How long a key is used, when the room says so: milliseconds, and messages. */
  rotation: { ms: number | undefined; messages: number | undefined };
  visibility: "invited" | "joined" | "shared" | "world_readable";
}

/** An event as it came, as JSON, with the room it is in. */
export interface WireEvent {
  roomId: string;
  eventId: string;
  sessionId: string | undefined;
  json: string;
  /** Milliseconds since the epoch, by its server. */
  ts: number;
  /** True when the server says that we were no member at its time. */
  isBeforeJoin: boolean;
}

export type ReadResult =
  | { state: "readable"; type: string; content: Content; shield: Shield }
  | { state: "unreadable"; why: Unreadable; sessionId: string | undefined };

/** The sections of a `/sync` answer that are for the engine. */
export interface SyncChanges {
  toDevice: string;
  changed: string[];
  left: string[];
  /** Undefined when the answer does not speak of it. */
  counts: Record<string, number> | undefined;
  fallbacks: string[] | undefined;
  /** True for the answer to a sync that begins anew: what happened before it is not known. */
  isWhole: boolean;
  /** The types of the account data in it. */
  accountData: string[];
}

/** What the page does for the engine. */
export interface Host {
  /** Answers the body of a 200. Throws `ApiError` or `NetworkError`. */
  request(request: ServerRequest): Promise<string>;
  /** Publishes cross-signing keys, through user-interactive auth where the server wants it. */
  publishIdentity(body: string, proofs: Proofs | undefined): Promise<void>;
  /** Sends a message of a verification to a room, encrypted if the room is. Answers the event's id. */
  sendToRoom(roomId: string, type: string, content: string, txnId: string): Promise<string>;
  tell(news: News): void;
}

export type News =
  | { kind: "status"; status: EncryptionStatus }
  | { kind: "verifications"; list: Verification[] }
  /** Something changed for what is encrypted with these keys. */
  | { kind: "room-keys"; keys: KeyName[] }
  /** Identities or devices of these users changed. */
  | { kind: "trust"; users: string[] };

/** What the page asks of the engine. */
export interface EngineCalls {
  feed(changes: SyncChanges): Promise<void>;
  read(events: WireEvent[]): Promise<ReadResult[]>;
  shield(event: WireEvent): Promise<Shield>;
  retry(keys: KeyName[]): Promise<void>;
  prepare(room: RoomTarget): Promise<void>;
  /** Answers the content of an `m.room.encrypted`, as JSON. */
  encrypt(room: RoomTarget, type: string, content: string): Promise<string>;

  setUp(options: { passphrase?: string; proofs?: Proofs }): Promise<{ recoveryKey: string }>;
  unlock(by: Unlocking): Promise<void>;
  reset(options: { passphrase?: string; proofs?: Proofs }): Promise<{ recoveryKey: string }>;

  requestVerification(userId: string, deviceId?: string): Promise<string>;
  /** The same through a room, for which `sendToRoom` is called. */
  requestVerificationIn(roomId: string, userId: string): Promise<string>;
  acceptVerification(id: string): Promise<void>;
  startEmoji(id: string): Promise<void>;
  confirmVerification(id: string): Promise<void>;
  scanned(id: string, bytes: Uint8Array): Promise<void>;
  cancelVerification(id: string, why: "user" | "mismatch"): Promise<void>;
  dismissVerification(id: string): Promise<void>;
  /** An event of a verification in a room, as JSON, readable. */
  roomVerification(roomId: string, event: string): Promise<void>;

  userTrust(users: string[]): Promise<UserTrust[]>;
  devices(userId: string): Promise<DeviceTrust[]>;
  acceptIdentity(userId: string): Promise<void>;

  exportKeys(passphrase: string): Promise<string>;
  importKeys(file: string, passphrase: string): Promise<{ imported: number; total: number }>;
}
