import type { RoomEvent } from "./event.ts";
import { isUserId, type UserId } from "../identifiers.ts";
import { isInteger, isJsonObject, type Json, type JsonObject, numberOf } from "../json.ts";
import type { RoomVersion } from "../room-versions.ts";

/** What a level that m.room.power_levels does not name is worth. */
const DEFAULTS = {
  invite: 0,
  kick: 50,
  ban: 50,
  redact: 50,
  users_default: 0,
  events_default: 0,
  state_default: 50,
} as const;

/** The level of a creator, up to version 11, while the room has no m.room.power_levels. */
const CREATOR_LEVEL = 100;

/** The level that a notification key without an entry needs. */
const NOTIFICATION_DEFAULT = 50;

const DIGITS = /^\s*[+-]?[0-9]+\s*$/;

/**
 * The level that a value stands for; undefined when it stands for none. Up to version 9 strings of
 * digits count as well, and (where JSON is not strict) floats, cut at the point. (Room versions 1
 * and 10, "Deprecated event content schemas".)
 */
export function parseLevel(value: Json | undefined, version: RoomVersion): number | undefined {
  if (version.integerPowerLevels) return isInteger(value) ? value : undefined;
  const number =
    typeof value === "string" && DIGITS.test(value) ? Number(value.trim()) : numberOf(value);
  return number !== undefined && Number.isFinite(number) ? Math.trunc(number) || 0 : undefined;
}

/**
 * Who created the room: from version 12 the create event's sender and `additional_creators`, in 11
 * the sender, before that `content.creator`. Empty without a create event.
 */
export function creatorsOf(create: RoomEvent | undefined): readonly string[] {
  if (create === undefined) return [];
  const { version, content, sender } = create;
  if (version.creatorInContent) {
    return typeof content.creator === "string" ? [content.creator] : [];
  }
  const more = version.privilegedCreators ? content.additional_creators : undefined;
  if (!Array.isArray(more)) return [sender];
  return [sender, ...more.filter((creator) => typeof creator === "string")];
}

/** The levels in force: those of the room's m.room.power_levels, or the defaults without one. */
export class PowerLevels {
  readonly #version: RoomVersion;
  readonly #content: JsonObject | undefined;
  readonly #creators: readonly string[];

  private constructor(
    event: RoomEvent | undefined,
    create: RoomEvent | undefined,
    version: RoomVersion,
  ) {
    this.#version = version;
    this.#content = event?.content;
    this.#creators = creatorsOf(create);
  }

  /**
   * @param event the room's m.room.power_levels, if there is one
   * @param create the room's m.room.create: its creators have a level without being listed
   */
  static of(
    event: RoomEvent | undefined,
    create: RoomEvent | undefined,
    version: RoomVersion,
  ): PowerLevels {
    return new PowerLevels(event, create, version);
  }

  /** A user's level; Infinity for creators from version 12. */
  userLevel(userId: string): number {
    const isCreator = this.#creators.includes(userId);
    if (this.#version.privilegedCreators && isCreator) return Infinity;
    if (this.#content === undefined) return isCreator ? CREATOR_LEVEL : DEFAULTS.users_default;
    return this.#entry("users", userId) ?? this.#named("users_default");
  }

  /** Users who have a level of their own: those listed, and creators. */
  named(): UserId[] {
    const users = this.#content?.users;
    const listed = isJsonObject(users) ? Object.keys(users) : [];
    return [...this.#creators, ...listed].filter(isUserId);
  }

  /** The level that sending an event of that type needs ("Required Power Level"). */
  required(type: string, isState: boolean): number {
    return this.#entry("events", type) ?? this.#named(isState ? "state_default" : "events_default");
  }

  /** The level that `content.notifications` asks for a key such as "room" (default 50). */
  notification(key: string): number {
    return this.#entry("notifications", key) ?? NOTIFICATION_DEFAULT;
  }

  get invite(): number {
    return this.#named("invite");
  }

  get kick(): number {
    return this.#named("kick");
  }

  get ban(): number {
    return this.#named("ban");
  }

  get redact(): number {
    return this.#named("redact");
  }

  #named(name: keyof typeof DEFAULTS): number {
    return this.#level(this.#content, name) ?? DEFAULTS[name];
  }

  #entry(map: "users" | "events" | "notifications", key: string): number | undefined {
    const entries = this.#content?.[map];
    return isJsonObject(entries) ? this.#level(entries, key) : undefined;
  }

  #level(holder: JsonObject | undefined, key: string): number | undefined {
    if (holder === undefined || !Object.hasOwn(holder, key)) return undefined;
    return parseLevel(holder[key], this.#version);
  }
}
