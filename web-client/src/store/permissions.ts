import { number, object, type Content } from "../api/types.ts";
import { CREATOR_POWER, powerOf } from "./power.ts";
import type { Room } from "./room.ts";

/** What a level is asked for: a place in the content of `m.room.power_levels`, and what counts while nothing stands there. */
export interface Permission {
  key: string;
  within?: "events" | "notifications";
  /** The level that counts when there is none; a word names another level that does. */
  otherwise: number | "state_default" | "events_default";
}

const state = (key: string): Permission => ({ key, within: "events", otherwise: "state_default" });

/** What is done with people, with messages, and with the room. */
export const PERMISSIONS = {
  people: [
    { key: "invite", otherwise: 0 },
    { key: "kick", otherwise: 50 },
    { key: "ban", otherwise: 50 },
    { key: "users_default", otherwise: 0 },
  ],
  messages: [
    { key: "events_default", otherwise: 0 },
    { key: "m.reaction", within: "events", otherwise: "events_default" },
    { key: "redact", otherwise: 50 },
    { key: "room", within: "notifications", otherwise: 50 },
    state("m.room.pinned_events"),
  ],
  room: [
    state("m.room.name"),
    state("m.room.topic"),
    state("m.room.avatar"),
    state("m.room.canonical_alias"),
    state("m.space.child"),
    state("m.room.join_rules"),
    state("m.room.history_visibility"),
    state("m.room.guest_access"),
    state("m.room.encryption"),
    state("m.room.server_acl"),
    state("m.room.power_levels"),
    state("m.room.tombstone"),
    { key: "state_default", otherwise: 50 },
  ],
} satisfies Record<string, Permission[]>;

/** The level that a permission asks for. */
export function levelOf(levels: Content | undefined, permission: Permission): number {
  const { key, within, otherwise } = permission;
  const own = number(within === undefined ? levels : object(levels, within), key);
  if (own !== undefined) return own;
  if (typeof otherwise === "number") return otherwise;
  return number(levels, otherwise) ?? (otherwise === "state_default" ? 50 : 0);
}

/** New levels: of people by their id, of permissions by their key. */
export interface LevelChanges {
  users: ReadonlyMap<string, number>;
  permissions: ReadonlyMap<Permission, number>;
}

/** The content with the changes in it; what it says besides stays. Who gets the level of all is named no longer. */
export function withLevels(levels: Content | undefined, changes: LevelChanges): Content {
  const next: Content = structuredClone(levels ?? {});
  for (const [{ key, within }, level] of changes.permissions) {
    if (within === undefined) next[key] = level;
    else next[within] = { ...object(next, within), [key]: level };
  }
  const ofAll = number(next, "users_default") ?? 0;
  const users = { ...object(next, "users") };
  for (const [userId, level] of changes.users) {
    if (level === ofAll) delete users[userId];
    else users[userId] = level;
  }
  next["users"] = users;
  return next;
}

/** Someone's level once these are in force; creators of newer rooms stay above all. */
function powerIn(room: Room, levels: Content, userId: string): number {
  if (powerOf(room, userId) === CREATOR_POWER) return CREATOR_POWER;
  return number(object(levels, "users"), userId) ?? number(levels, "users_default") ?? 0;
}

/** What changes of levels would take from a person, or from everyone, without a way back for them. */
export interface Lockout {
  /** The person's own level falls. */
  falls: boolean;
  /** The person could no longer change roles. */
  self: boolean;
  /** Nobody who is in the room could. */
  everyone: boolean;
}

export function lockoutOf(room: Room, me: string, next: Content): Lockout {
  const roles = levelOf(next, state("m.room.power_levels"));
  const inside = room.members("join").map(({ userId }) => userId);
  const could =
    powerOf(room, me) >=
    levelOf(room.stateEvent("m.room.power_levels")?.content, state("m.room.power_levels"));
  return {
    falls: powerIn(room, next, me) < powerOf(room, me),
    self: could && powerIn(room, next, me) < roles,
    everyone: inside.every((userId) => powerIn(room, next, userId) < roles),
  };
}
