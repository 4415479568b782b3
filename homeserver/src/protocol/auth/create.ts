import { Rejection } from "../errors.ts";
import type { RoomEvent } from "../events/event.ts";
import { isUserId, serverOf, serverOfRoomId } from "../identifiers.ts";
import type { Json } from "../json.ts";
import { roomVersion } from "../room-versions.ts";

/** Rule 1: m.room.create. Throws a Rejection. */
export function checkCreate(event: RoomEvent): void {
  const { content, version } = event;
  // 1.1
  if (event.prevEventIds.length > 0) {
    throw new Rejection("m.room.create has previous events");
  }
  // 1.2
  if (version.roomIdIsCreateHash) {
    if (event.pdu.room_id !== undefined) throw new Rejection("m.room.create names a room");
  } else if (serverOfRoomId(event.roomId) !== serverOf(event.sender)) {
    throw new Rejection("The room's id is not of its creator's server");
  }
  // 1.3
  if (content.room_version !== undefined && !isKnownVersion(content.room_version)) {
    throw new Rejection("The room's version is not known");
  }
  // 1.4: up to version 10 `creator` is required; from version 12 additional creators are checked.
  if (version.creatorInContent && content.creator === undefined) {
    throw new Rejection("m.room.create names no creator");
  }
  if (version.privilegedCreators && !areCreators(content.additional_creators)) {
    throw new Rejection("additional_creators is not a list of user ids");
  }
}

function isKnownVersion(id: Json): boolean {
  return typeof id === "string" && roomVersion(id) !== undefined;
}

function areCreators(value: Json | undefined): boolean {
  return (
    value === undefined || (Array.isArray(value) && value.every((creator) => isUserId(creator)))
  );
}
