import type { Change } from "../../log/types.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";

/** A device of a user. */
export interface DeviceOf {
  readonly userId: UserId;
  readonly deviceId: string;
}

/** Keys that a device uploads: its identity keys, and one-time and fallback keys by their names. */
export interface KeyUpload {
  readonly device_keys?: unknown;
  readonly one_time_keys?: JsonObject | undefined;
  readonly fallback_keys?: JsonObject | undefined;
}

/** What a device has left. */
export interface KeyCounts {
  /** One-time keys that nobody has claimed, by algorithm. */
  readonly oneTimeKeys: Readonly<Record<string, number>>;
  /** Algorithms whose fallback key nobody has been given yet. */
  readonly unusedFallbackTypes: readonly string[];
}

/** Keys of users, as anybody may see them. */
export interface QueriedKeys {
  /** By user and device; users that exist and have no keys are there, too. */
  readonly deviceKeys: ReadonlyMap<UserId, ReadonlyMap<string, JsonObject>>;
  readonly masterKeys: ReadonlyMap<UserId, JsonObject>;
  readonly selfSigningKeys: ReadonlyMap<UserId, JsonObject>;
}

/** JSON of keys of users, as somebody may see them. */
export interface KeyTextsOfUsers {
  /** By user and device; users that exist and have no keys are there, too. */
  readonly deviceKeys: ReadonlyMap<UserId, ReadonlyMap<string, string>>;
  readonly masterKeys: ReadonlyMap<UserId, string>;
  readonly selfSigningKeys: ReadonlyMap<UserId, string>;
  /** The asking user's alone. */
  readonly userSigningKeys: ReadonlyMap<UserId, string>;
}

/** The same of this server's users. */
export interface QueriedKeyTexts extends KeyTextsOfUsers {
  /** The answer would be too long: the last of the users are left out. */
  readonly isCut: boolean;
}

/** A one-time key that somebody wants of a device. */
export interface WantedKey extends DeviceOf {
  readonly algorithm: string;
}

/** A key that was given out. */
export interface ClaimedKey extends WantedKey {
  /** `<algorithm>:<id>`. */
  readonly name: string;
  /** JSON text of the key. */
  readonly text: string;
}

/** Checked keys of a device that are still to be stored. */
export interface PreparedUpload {
  /** Stores them all, or throws and stores none. @throws MatrixError */
  store(change: Change): Promise<KeyCounts>;
}
