import type { Client } from "./client.ts";
import { localName } from "./room.ts";

/** What someone is called: in this room, else in the first room that they are known in. */
export function personName(client: Client, userId: string, roomId?: string): string {
  const first = roomId === undefined ? undefined : client.store.room(roomId);
  if (first?.member(userId) !== undefined) return first.displayName(userId);
  for (const room of client.store.rooms.values()) {
    if (room.member(userId) !== undefined) return room.displayName(userId);
  }
  return localName(userId);
}
