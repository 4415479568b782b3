import type { Unchecked } from "../api/types.ts";
import type { Client } from "./client.ts";
import type { Room } from "./room.ts";

/** Whether a person put a mark on a room, to come back to it. */
export function isMarkedUnread(room: Room): boolean {
  const own: Unchecked<"m.marked_unread"> | undefined = room.accountData.get("m.marked_unread");
  return own?.unread === true;
}

/** Marks a room as unread, or takes the mark off: here at once, on the server soon. */
export async function markUnread(client: Client, room: Room, unread: boolean): Promise<void> {
  if (isMarkedUnread(room) === unread) return;
  room.accountData.set("m.marked_unread", { unread });
  client.store.refresh([room.roomId]);
  try {
    await client.api.notes.setAccountData(room.roomId, "m.marked_unread", { unread });
  } catch (error) {
    room.accountData.set("m.marked_unread", { unread: !unread });
    client.store.refresh([room.roomId]);
    throw error;
  }
}
