import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import type { SyncingUser } from "./syncing-user.ts";

/**
 * Somebody who looks into a room from outside, for one request: a syncing user whose only room it
 * is. Nothing counts as seen before, so that each event is shown by the room's history visibility.
 */
export function createOnlooker(
  userId: UserId,
  room: { readonly nid: number; readonly roomId: RoomId },
  at: number,
): SyncingUser {
  return {
    userId,
    rooms: new Map([
      [
        room.nid,
        {
          ...{ roomNid: room.nid, roomId: room.roomId, membership: "join" as const },
          ...{ eventNid: 0, position: at, heldSince: Infinity },
          ...{ isPartial: false, completeSince: 0, isForgotten: false, receiptAt: 0 },
        },
      ],
    ]),
    devices: new Map(),
    ...{ loadedAt: 0, changedAt: at, nonMessageAt: at, deviceListsAt: 0, signedAt: 0 },
    ...{
      threadsAt: 0,
      stickyAt: 0,
      profilesAt: 0,
      wantsProfiles: false,
      roomsUnknownUpTo: at,
      ephemeralAt: 0,
    },
    waiting: new Set(),
  };
}
