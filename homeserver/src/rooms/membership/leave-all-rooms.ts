import type { UserId } from "../../protocol/identifiers.ts";
import type { Rooms } from "../api/index.ts";

/** Leaves every room and rejects every invite. Continues after a failure, and throws at the end. */
export async function leaveAllRooms(
  rooms: Pick<Rooms, "view" | "members">,
  userId: UserId,
): Promise<void> {
  const rows = await rooms.view.membershipsOf(userId);
  const pending = rows.filter((row) => row.membership !== "leave" && row.membership !== "ban");
  const known = await rooms.view.rooms(pending.map((row) => row.roomNid));
  const left = await Promise.allSettled(
    [...known.values()].map(({ roomId }) => rooms.members.leave({ by: { userId }, roomId })),
  );
  const failed = left.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}
