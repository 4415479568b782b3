import { Rejection } from "../errors.ts";
import type { RoomEvent } from "../events/event.ts";
import { isUserId } from "../identifiers.ts";
import { isJsonObject, type Json, type JsonObject } from "../json.ts";
import { creatorsOf, parseLevel } from "../events/power-levels.ts";
import type { RoomVersion } from "../room-versions.ts";
import type { AuthContext } from "./context.ts";

const NAMED_LEVELS = [
  "users_default",
  "events_default",
  "state_default",
  "ban",
  "redact",
  "kick",
  "invite",
] as const;

type Change = readonly [key: string, before: number | undefined, after: number | undefined];

/**
 * The rule of m.room.power_levels (versions 1 to 5 and 12: rule 10; others: rule 9; the comments
 * count as version 12 does). Throws a Rejection.
 */
export function checkPowerLevels(context: AuthContext): void {
  const { event, state, create, senderLevel } = context;
  const { content, version } = event;
  checkLevelsFormat(content, create, version);
  // 10.5
  const before = state.get("m.room.power_levels", "")?.content;
  if (before === undefined) return;
  // 10.6
  for (const [name, old, now] of changes(before, content, version, NAMED_LEVELS)) {
    if (exceeds(old, senderLevel) || exceeds(now, senderLevel)) throw tooHigh(name);
  }
  // 10.7, 10.8
  const maps = version.notificationLevelsChecked ? ["events", "notifications"] : ["events"];
  for (const map of maps) {
    for (const [key, old, now] of mapChanges(before[map], content[map], version)) {
      if (exceeds(old, senderLevel) || exceeds(now, senderLevel)) throw tooHigh(key);
    }
  }
  // 10.9, 10.10
  for (const [userId, old, now] of mapChanges(before.users, content.users, version)) {
    const isEqual = userId !== event.sender && old === senderLevel;
    if (isEqual || exceeds(old, senderLevel) || exceeds(now, senderLevel)) throw tooHigh(userId);
  }
}

/**
 * 10.1 to 10.4: what no power levels of the version may contain, whoever sends them. Throws a
 * Rejection.
 */
export function checkLevelsFormat(
  content: JsonObject,
  create: RoomEvent | undefined,
  version: RoomVersion,
): void {
  requireLevels(content, version);
  requireUsers(content.users, version);
  if (version.privilegedCreators) requireNoCreators(content.users, creatorsOf(create));
}

/** 10.1, 10.2 (from version 10): levels are integers. */
function requireLevels(content: JsonObject, version: RoomVersion): void {
  if (!version.integerPowerLevels) return;
  for (const name of NAMED_LEVELS) {
    if (content[name] !== undefined && parseLevel(content[name], version) === undefined) {
      throw new Rejection(`The power level ${name} is not an integer`);
    }
  }
  for (const map of ["events", "notifications"]) {
    if (content[map] !== undefined && !isLevelMap(content[map], version)) {
      throw new Rejection(`The power levels of ${map} are not integers`);
    }
  }
}

/** 10.3 (up to version 9 the first clause): user ids with levels. */
function requireUsers(users: Json | undefined, version: RoomVersion): void {
  if (users === undefined) return;
  if (!isLevelMap(users, version) || !Object.keys(users).every((userId) => isUserId(userId))) {
    throw new Rejection("The power levels of users are not integers by user id");
  }
}

function isLevelMap(value: Json | undefined, version: RoomVersion): value is JsonObject {
  return (
    isJsonObject(value) &&
    Object.values(value).every((level) => parseLevel(level, version) !== undefined)
  );
}

/** 10.4 (from version 12): nobody can give creators a level. */
function requireNoCreators(users: Json | undefined, creators: readonly string[]): void {
  if (isJsonObject(users) && creators.some((creator) => Object.hasOwn(users, creator))) {
    throw new Rejection("The power levels list a creator of the room");
  }
}

function mapChanges(
  before: Json | undefined,
  after: Json | undefined,
  version: RoomVersion,
): Change[] {
  const old = isJsonObject(before) ? before : {};
  const now = isJsonObject(after) ? after : {};
  return changes(old, now, version, new Set([...Object.keys(old), ...Object.keys(now)]));
}

/** The keys that were added, changed or removed, with their levels. */
function changes(
  before: JsonObject,
  after: JsonObject,
  version: RoomVersion,
  keys: Iterable<string>,
): Change[] {
  const found: Change[] = [];
  for (const key of keys) {
    const old = levelAt(before, key, version);
    const now = levelAt(after, key, version);
    // Up to version 9 only `users` has to be readable by rule; what can not be compared can not
    // pass.
    if (now === undefined && Object.hasOwn(after, key)) {
      throw new Rejection(`The power level of ${key} is not a number`);
    }
    if (old !== now) found.push([key, old, now]);
  }
  return found;
}

function levelAt(holder: JsonObject, key: string, version: RoomVersion): number | undefined {
  return Object.hasOwn(holder, key) ? parseLevel(holder[key], version) : undefined;
}

function exceeds(level: number | undefined, limit: number): boolean {
  return level !== undefined && level > limit;
}

function tooHigh(what: string): Rejection {
  return new Rejection(`The sender's power does not suffice to change the power level of ${what}`);
}
