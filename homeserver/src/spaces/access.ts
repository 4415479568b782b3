/** Who may know of a room: those in it, those who could enter, and everybody where it is open. */
import type { RoomId, UserId } from "../protocol/identifiers.ts";
import { roomVersion } from "../protocol/room-versions.ts";
import type { Membership, RoomSummary, RoomView } from "../rooms/api/index.ts";

/** What somebody is to rooms. A server is several things: what its users are. */
export interface Standing {
  /** The memberships in a room; none where there are none, or this server does not know. */
  of(roomId: RoomId): readonly Membership[];
}

/** Somebody who is in no room. */
export const STRANGER: Standing = { of: () => [] };

/** Somebody from whom no room is hidden. */
export const IN_ALL: Standing = { of: () => ["join"] };

/**
 * Whether somebody of that standing may be shown a room: as a member or invited; where anybody may
 * read, join or knock, unless banned; or where membership of another room lets them in.
 * (Client-server API, `GET /rooms/{roomId}/hierarchy`.)
 */
export function mayKnowOf(summary: RoomSummary, standing: Standing): boolean {
  const own = standing.of(summary.room_id);
  if (own.includes("join") || own.includes("invite") || summary.world_readable) return true;
  if (own.length > 0 && own.every((membership) => membership === "ban")) return false;
  switch (ruleOf(summary)) {
    case "public":
    case "knock":
    case "knock_restricted":
      return true;
    case "restricted":
      return (summary.allowed_room_ids ?? []).some((id) => standing.of(id).includes("join"));
    default:
      return false;
  }
}

/** The join rule, where the room's version knows it. */
function ruleOf({ join_rule: rule = "public", room_version: id }: RoomSummary): string {
  const version = id === undefined ? undefined : roomVersion(id);
  if (version === undefined) return rule;
  const isKnown: Readonly<Record<string, boolean>> = {
    knock: version.knock,
    restricted: version.restrictedJoins,
    knock_restricted: version.knockRestricted,
  };
  return isKnown[rule] === false ? "invite" : rule;
}

/** What a user of this server is to rooms, now. */
export async function standingOfUser(
  view: Pick<RoomView, "membershipsOf" | "rooms">,
  userId: UserId,
): Promise<Standing> {
  const rows = await view.membershipsOf(userId, { forgotten: true });
  const rooms = await view.rooms(rows.map(({ roomNid }) => roomNid));
  const memberships = new Map<RoomId, readonly Membership[]>();
  for (const { roomNid, membership } of rows) {
    const room = rooms.get(roomNid);
    if (room !== undefined) memberships.set(room.roomId, [membership]);
  }
  return { of: (roomId) => memberships.get(roomId) ?? [] };
}
