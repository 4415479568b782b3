import { text } from "../api/types.ts";
import type { Room } from "./room.ts";

/** Room versions that lack something; every other one has it. */
const WITHOUT = {
  knock: ["1", "2", "3", "4", "5", "6"],
  restricted: ["1", "2", "3", "4", "5", "6", "7"],
  knock_restricted: ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
} as const;

export type RoomFeature = keyof typeof WITHOUT;

export function versionOf(room: Room): string {
  return text(room.stateEvent("m.room.create")?.content, "room_version") ?? "1";
}

/** Whether a room's version knows a join rule. */
export function hasFeature(room: Room, feature: RoomFeature): boolean {
  return !(WITHOUT[feature] as readonly string[]).includes(versionOf(room));
}

export function isSpace(room: Room): boolean {
  return text(room.stateEvent("m.room.create")?.content, "type") === "m.space";
}
