/** Rooms as other servers tell of them: whatever has not the right shape is left out. */
import { compareChildren, toldChild } from "../protocol/events/space-child.ts";
import { isRoomAlias, isRoomId, type RoomId } from "../protocol/identifiers.ts";
import { isJsonObject, type Json, type JsonObject } from "../protocol/json.ts";
import { isStorable, wellFormed } from "../protocol/text.ts";
import type { PublicRoom, RoomSummary } from "../rooms/api/index.ts";
import { type FoundRoom, MAX_CHILDREN, SPACE } from "./types.ts";

const TEXTS = ["canonical_alias", "name", "topic", "avatar_url", "join_rule", "room_type"] as const;
const FURTHER_TEXTS = ["encryption", "room_version"] as const;
type TextKey = (typeof TEXTS)[number] | (typeof FURTHER_TEXTS)[number];
/** Rooms that let one into a restricted one; the rest is not told on. */
const MAX_ALLOWED = 100;
/** UTF-16 code units of each text; the rest is cut off. */
const MAX_TEXT = 4096;

/** A room of a directory. Undefined for what is none. */
export function toldPublicRoom(told: Json | undefined): PublicRoom | undefined {
  if (!isJsonObject(told) || !isRoomId(told.room_id)) return undefined;
  return {
    room_id: told.room_id,
    num_joined_members: countOf(told.num_joined_members) ?? 0,
    world_readable: told.world_readable === true,
    guest_can_join: told.guest_can_join === true,
    ...textsIn(told, TEXTS),
  };
}

/** A room of an answer about spaces. Undefined for what is none. */
function toldRoom(told: Json | undefined): FoundRoom | undefined {
  const shown = toldPublicRoom(told);
  if (shown === undefined || !isJsonObject(told)) return undefined;
  const summary: RoomSummary = {
    ...shown,
    ...textsIn(told, FURTHER_TEXTS),
    ...(Array.isArray(told.allowed_room_ids) && {
      allowed_room_ids: roomIdsIn(told.allowed_room_ids, MAX_ALLOWED),
    }),
  };
  const state = Array.isArray(told.children_state) ? told.children_state : [];
  const children = state.slice(0, MAX_CHILDREN).flatMap((event) => toldChild(event) ?? []);
  const isSpace = summary.room_type === SPACE;
  return { summary, children: isSpace ? children.toSorted(compareChildren) : [] };
}

/**
 * The answer of another server about a space. Undefined when it is about another room, or none at
 * all. Only children that its own state names are taken.
 */
export function toldSpace(answer: JsonObject, roomId: RoomId): FoundRoom | undefined {
  const space = toldRoom(answer.room);
  if (space === undefined || space.summary.room_id !== roomId) return undefined;
  const named = new Set(space.children.map((child) => child.roomId));
  const told = Array.isArray(answer.children) ? answer.children : [];
  const rooms = new Map<RoomId, FoundRoom>();
  for (const each of told.slice(0, MAX_CHILDREN)) {
    const room = toldRoom(each);
    if (room !== undefined && named.has(room.summary.room_id)) {
      rooms.set(room.summary.room_id, room);
    }
  }
  const hidden = Array.isArray(answer.inaccessible_children) ? answer.inaccessible_children : [];
  const inaccessible = new Set(roomIdsIn(hidden, MAX_CHILDREN).filter((id) => named.has(id)));
  return { ...space, told: { rooms, inaccessible } };
}

function roomIdsIn(list: readonly Json[], max: number): RoomId[] {
  return list.slice(0, max).filter((id): id is RoomId & Json => isRoomId(id));
}

function textsIn(told: JsonObject, keys: readonly TextKey[]): Partial<Record<TextKey, string>> {
  const found: Partial<Record<TextKey, string>> = {};
  for (const key of keys) {
    const value = told[key];
    if (isText(key, value)) found[key] = wellFormed(value, MAX_TEXT);
  }
  return found;
}

function isText(key: TextKey, value: Json | undefined): value is string {
  if (typeof value !== "string" || !isStorable(value)) return false;
  if (key === "canonical_alias") return isRoomAlias(value);
  return key !== "avatar_url" || value.startsWith("mxc://");
}

/** A number of things; undefined for what is none. */
export function countOf(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
