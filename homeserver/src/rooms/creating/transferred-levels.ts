/** The power levels of an upgraded room: the same users stay in power. */
import type { RoomEvent } from "../../protocol/events/event.ts";
import { isUserId } from "../../protocol/identifiers.ts";
import { isJsonObject } from "../../protocol/json.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";
import { creatorsOf, parseLevel } from "../../protocol/events/power-levels.ts";
import type { RoomVersion } from "../../protocol/room-versions.ts";
import { defaultPowerLevels } from "./default-levels.ts";

const ADMIN = 100;
/** The level for former creators: above the levels that admins commonly have. */
const CREATORS = 150;

export interface OldLevels {
  readonly create: RoomEvent | undefined;
  /** Content of the old room's m.room.power_levels, if it has one. */
  readonly content: JsonObject | undefined;
}

/**
 * The old levels in the form of the new version. In versions where creators are above all levels
 * they have no entry; in an upgrade to a version without such creators they get a level above
 * everybody else.
 */
export function transferredLevels(
  old: OldLevels,
  version: RoomVersion,
  creators: readonly string[],
): JsonObject {
  const before = old.create?.version ?? version;
  const levels =
    old.content === undefined
      ? defaultPowerLevels(version, creators[0] as string, [], "private_chat")
      : readable(old.content, before, version);
  const users: JsonObject = isJsonObject(levels.users) ? { ...levels.users } : {};
  const events: JsonObject = isJsonObject(levels.events) ? { ...levels.events } : {};
  const tombstone = levelOf(events["m.room.tombstone"]);
  if (version.privilegedCreators) {
    for (const creator of creators) delete users[creator];
    const stateDefault = levelOf(levels.state_default) ?? 50;
    events["m.room.tombstone"] = Math.max(CREATORS, stateDefault + 1, tombstone ?? 0);
  } else if (before.privilegedCreators) {
    const highest = Math.max(0, ...Object.values(users).map((level) => levelOf(level) ?? 0));
    const level = highest < ADMIN ? ADMIN : Math.max(CREATORS, highest + 1);
    for (const creator of creatorsOf(old.create)) users[creator] = level;
    if (tombstone !== undefined) events["m.room.tombstone"] = Math.min(tombstone, level);
  }
  return { ...levels, users, events };
}

/**
 * When the new version accepts only integers, what counted as a number before becomes an integer;
 * everything else had no effect.
 */
function readable(content: JsonObject, before: RoomVersion, version: RoomVersion): JsonObject {
  const levels = structuredClone(content);
  const isStricter =
    (version.integerPowerLevels && !before.integerPowerLevels) ||
    (version.strictCanonicalJson && !before.strictCanonicalJson);
  if (!isStricter) return levels;
  for (const [key, value] of Object.entries(levels)) {
    if (MAPS.has(key)) levels[key] = integers(value, before, key === "users");
    else if (NAMES.has(key)) setLevel(levels, key, value, before);
  }
  return levels;
}

const MAPS: ReadonlySet<string> = new Set(["users", "events", "notifications"]);
const NAMES: ReadonlySet<string> = new Set([
  ...["users_default", "events_default", "state_default", "ban", "redact", "kick", "invite"],
]);

function integers(map: Json | undefined, before: RoomVersion, isUsers: boolean): JsonObject {
  const found: JsonObject = {};
  for (const [key, value] of Object.entries(isJsonObject(map) ? map : {})) {
    if (!isUsers || isUserId(key)) setLevel(found, key, value, before);
  }
  return found;
}

function setLevel(
  holder: JsonObject,
  key: string,
  value: Json | undefined,
  before: RoomVersion,
): void {
  const level = parseLevel(value, before);
  if (level !== undefined && Number.isSafeInteger(level)) holder[key] = level;
  else delete holder[key];
}

function levelOf(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}
