/** What the server's administrators decided about rooms that are made here. */
import { errors } from "../../protocol/errors.ts";
import {
  DEFAULT_ROOM_VERSION,
  ROOM_VERSION_IDS,
  roomVersion,
} from "../../protocol/room-versions.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Actor } from "../api/index.ts";

export type RoomCreators = "everybody" | "administrators";
export type EncryptionByDefault = "off" | "private" | "all";

export interface RoomRules {
  /** The version of rooms whose creator names none. */
  readonly defaultRoomVersion: string;
  /** Versions that a room made or upgraded here may have. */
  readonly allowedRoomVersions: readonly string[];
  readonly roomCreators: RoomCreators;
  /** Which rooms are encrypted also when their creator does not ask for it. */
  readonly encryptionByDefault: EncryptionByDefault;
}

/** Rooms of any version, by everybody, encrypted where their creator says so. */
export const FREE_RULES: RoomRules = {
  defaultRoomVersion: DEFAULT_ROOM_VERSION,
  allowedRoomVersions: ROOM_VERSION_IDS,
  roomCreators: "everybody",
  encryptionByDefault: "off",
};

/** @throws MatrixError M_FORBIDDEN 403 */
export function ensureMayMakeRooms({ roomCreators }: RoomRules, by: Actor): void {
  if (roomCreators === "everybody" || by.isAdmin === true || by.service !== undefined) return;
  throw errors.forbidden("On this server administrators make the rooms: ask one of them");
}

/**
 * `wanted` undefined: the default one.
 * @throws MatrixError M_UNSUPPORTED_ROOM_VERSION 400
 */
export function allowedVersion(rules: RoomRules, wanted: string | undefined): RoomVersion {
  const id = wanted ?? rules.defaultRoomVersion;
  const version = roomVersion(id);
  if (version === undefined) {
    throw errors.unsupportedRoomVersion("This server does not support that room version");
  }
  if (rules.allowedRoomVersions.includes(id)) return version;
  throw errors.unsupportedRoomVersion("This server makes no rooms of that version");
}

/**
 * Whether a room is encrypted although its creator does not say so. In a space nobody talks, and
 * application services bring their own conversations, which most of them cannot encrypt.
 */
export function isEncryptedByDefault(
  { encryptionByDefault }: RoomRules,
  room: { readonly by: Actor; readonly isOpen: boolean; readonly creation: JsonObject | undefined },
): boolean {
  if (encryptionByDefault === "off" || room.by.service !== undefined) return false;
  if (room.creation?.["type"] === "m.space") return false;
  return encryptionByDefault === "all" || !room.isOpen;
}

/** The content of m.room.encryption for such a room. */
export const ENCRYPTED: JsonObject = { algorithm: "m.megolm.v1.aes-sha2" };
