import { number, object, strings, text, type Content } from "../api/types.ts";
import type { Room } from "./room.ts";

/** Above every number that a power levels event can hold: the creators of rooms since version 12. */
export const CREATOR_POWER = Number.POSITIVE_INFINITY;

/** Rooms whose id names no server are of the versions in which creators outrank everyone. */
function creatorsOf(room: Room): Set<string> {
  const create = room.stateEvent("m.room.create");
  if (create === undefined || room.roomId.includes(":")) return new Set();
  return new Set([create.sender, ...strings(create.content, "additional_creators")]);
}

export function powerOf(room: Room, userId: string): number {
  if (creatorsOf(room).has(userId)) return CREATOR_POWER;
  const levels = room.stateEvent("m.room.power_levels")?.content;
  if (levels === undefined) return room.stateEvent("m.room.create")?.sender === userId ? 100 : 0;
  return number(object(levels, "users"), userId) ?? number(levels, "users_default") ?? 0;
}

const DEFAULTS: Record<string, number> = { invite: 0, kick: 50, ban: 50, redact: 50 };

/** The level that an action needs: `invite`, `kick`, `ban` or `redact`. */
export function powerFor(room: Room, action: "invite" | "kick" | "ban" | "redact"): number {
  const levels = room.stateEvent("m.room.power_levels")?.content;
  return number(levels, action) ?? DEFAULTS[action] ?? 50;
}

/** The level that sending an event of this type needs. */
function powerToSend(room: Room, type: string, isState: boolean): number {
  const levels: Content | undefined = room.stateEvent("m.room.power_levels")?.content;
  const own = number(object(levels, "events"), type);
  if (own !== undefined) return own;
  if (isState) return number(levels, "state_default") ?? (levels === undefined ? 0 : 50);
  return number(levels, "events_default") ?? 0;
}

/** Whether someone's level lets them send an event of this type, in a room that is not only looked at. */
export function canSend(room: Room, userId: string, type: string, isState = false): boolean {
  if (room.isPeeked || room.removal !== undefined) return false;
  return powerOf(room, userId) >= powerToSend(room, type, isState);
}

/** May `actor` do this to `target`? One never acts on one's equals. */
export function canAct(room: Room, action: "kick" | "ban", actor: string, target: string): boolean {
  const own = powerOf(room, actor);
  return own >= powerFor(room, action) && own > powerOf(room, target);
}

export function canRedact(room: Room, actor: string, sender: string): boolean {
  if (actor === sender) return canSend(room, actor, "m.room.redaction");
  return powerOf(room, actor) >= powerFor(room, "redact");
}

/** Everything that a reader of `m.room.join_rules` asks. */
export function joinRule(room: Room): string {
  return text(room.stateEvent("m.room.join_rules")?.content, "join_rule") ?? "invite";
}

/** May somebody call everyone in a room? */
export function canNotifyRoom(room: Room, userId: string): boolean {
  const levels = room.stateEvent("m.room.power_levels")?.content;
  return powerOf(room, userId) >= (number(object(levels, "notifications"), "room") ?? 50);
}
