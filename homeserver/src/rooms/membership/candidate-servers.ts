/** Candidate servers for a room that this server is not in, learnt from an invite or a knock. */
import { isUserId, serverOf, serverOfRoomId } from "../../protocol/identifiers.ts";
import type { ServerName, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import { membershipIn, strippedOrigin, strippedStates } from "../../storage/rooms/members.ts";
import type { RoomStore } from "../state/store.ts";
import type { Room, StoredEvent } from "../api/index.ts";

/**
 * The server that sent the invite or took the knock, the room's own server, and the senders of its
 * stripped state (from version 12 on room ids name no server). The most likely ones first.
 */
export async function candidateServersOf(
  store: RoomStore,
  room: Room,
  userId: UserId,
): Promise<ServerName[]> {
  const servers = new Set<string>();
  for (const { event } of await sendersOf(store, room, userId)) servers.add(serverOf(event.sender));
  const origin = await strippedOrigin(store.sql, room.nid, userId);
  if (origin !== undefined) servers.add(origin);
  const own = serverOfRoomId(room.roomId);
  if (own !== undefined) servers.add(own);
  const [text] = await strippedStates(store.sql, [{ roomNid: room.nid, userId }]);
  for (const { sender } of JSON.parse(text ?? "[]") as JsonObject[]) {
    if (isUserId(sender)) servers.add(serverOf(sender));
  }
  return [...servers] as ServerName[];
}

/**
 * The user's member event and, when that is a local leave which no other server got, the one before
 * it.
 */
async function sendersOf(store: RoomStore, room: Room, userId: UserId): Promise<StoredEvent[]> {
  const row = await membershipIn(store.sql, room.nid, userId);
  const member = row && (await store.events.one(row.eventNid));
  if (member === undefined) return [];
  const before = await store.events.byIds([...member.event.prevEventIds]);
  return [member, ...[...before.values()].filter(({ event }) => event.type === "m.room.member")];
}
