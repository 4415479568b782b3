/** The power levels of a new room. */
import { isJsonObject } from "../../protocol/json.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";

const ADMIN = 100;
/** Above state_default, as room versions with privileged creators require it. */
const CREATORS_ONLY = 150;

/**
 * `trusted` users get the creator's level (in versions where creators have none, they become
 * creators themselves).
 */
export function defaultPowerLevels(
  version: RoomVersion,
  creator: string,
  trusted: readonly string[],
  preset: string,
): JsonObject {
  const users: JsonObject = {};
  if (!version.privilegedCreators) {
    for (const user of [creator, ...trusted]) users[user] = ADMIN;
  }
  return {
    ban: 50,
    events: {
      "m.room.avatar": 50,
      "m.room.canonical_alias": 50,
      "m.room.encryption": 100,
      "m.room.history_visibility": 100,
      "m.room.name": 50,
      "m.room.power_levels": 100,
      "m.room.server_acl": 100,
      "m.room.tombstone": version.privilegedCreators ? CREATORS_ONLY : ADMIN,
    },
    events_default: 0,
    invite: preset === "public_chat" ? 50 : 0,
    kick: 50,
    redact: 50,
    state_default: 50,
    users,
    users_default: 0,
  };
}

/** False when the levels list a creator in a version where creators are above all levels. */
export function hasNoCreators(version: RoomVersion, levels: JsonObject, creator: string): boolean {
  if (!version.privilegedCreators || !isJsonObject(levels.users)) return true;
  return !Object.hasOwn(levels.users, creator);
}
