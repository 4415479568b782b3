import { strings, type EventContent } from "../api/types.ts";
import type { NewRoom } from "../api/rooms.ts";
import type { Client } from "./client.ts";
import type { Room } from "./room.ts";
import { isMarkedUnread, markUnread } from "./unread-mark.ts";

/** Puts a reaction on a message, or takes one's own back. */
export async function toggleReaction(
  client: Client,
  room: Room,
  eventId: string,
  key: string,
): Promise<void> {
  const count = room.timeline.relations.reactionsTo(eventId).find((one) => one.key === key);
  const own = count?.by.get(client.session.userId);
  if (own === undefined) {
    client.outbox.send(room, "m.reaction", {
      "m.relates_to": { rel_type: "m.annotation", event_id: eventId, key },
    });
    return;
  }
  if (own.startsWith("~")) return;
  await client.outbox.redact(room, own);
}

/**
 * Says that the person has read up to this event: here at once, on the server soon. What is unread in threads stays so, unless it is meant
 * along.
 */
export async function markRead(
  client: Client,
  room: Room,
  eventId: string,
  withThreads = false,
): Promise<void> {
  const { userId } = client.session;
  if (isMarkedUnread(room)) markUnread(client, room, false).catch(() => undefined);
  const last = room.timeline.entries.findLast((entry) => entry.thread === undefined);
  const atEnd = last?.event.event_id === eventId || room.timeline.last?.event_id === eventId;
  if (withThreads) room.threadCounts = new Map();
  room.receipts.set(userId, { eventId, ts: Date.now() });
  room.accountData.set("m.fully_read", { event_id: eventId });
  if (withThreads || (atEnd && room.notificationCount + room.highlightCount > 0)) {
    room.notificationCount = 0;
    room.highlightCount = 0;
    client.store.refresh([room.roomId]);
  }
  // A receipt for all of a room counts for its threads too: what is unread there stays so.
  if (room.threadCounts.size === 0) {
    await client.api.rooms.markRead(room.roomId, eventId);
    return;
  }
  await client.api.rooms.markFullyRead(room.roomId, eventId);
  await client.api.reading.receipt(room.roomId, eventId, "main");
}

/** The same for a thread, by the event that began it. */
export async function markThreadRead(
  client: Client,
  room: Room,
  root: string,
  eventId: string,
): Promise<void> {
  // What began the thread is one of the room's own messages.
  if (eventId === root) return;
  room.receipts.set(client.session.userId, { eventId, ts: Date.now() }, root);
  if (room.threadCounts.has(root)) {
    room.threadCounts = new Map([...room.threadCounts].filter(([other]) => other !== root));
    room.changed("$state");
    client.store.refresh([room.roomId]);
  }
  await client.api.reading.receipt(room.roomId, eventId, root);
}

/** Notes in `m.direct` that a room is the direct chat with someone, or that it no longer is. */
async function setDirect(
  client: Client,
  roomId: string,
  userId: string | undefined,
): Promise<void> {
  const { accountData } = client.store;
  const before = accountData.get("m.direct") ?? {};
  const next: EventContent<"m.direct"> = {};
  for (const partner of Object.keys(before)) {
    const rest = strings(before, partner).filter((one) => one !== roomId);
    if (rest.length > 0) next[partner] = rest;
  }
  if (userId !== undefined) next[userId] = [roomId, ...(next[userId] ?? [])];
  // Noted here at once, so that the next change does not undo this one before it has come back by sync.
  accountData.set("m.direct", next);
  try {
    await client.api.account.setAccountData("m.direct", next);
  } catch (error) {
    if (accountData.get("m.direct") === next) accountData.set("m.direct", before);
    throw error;
  }
}

/** Whether what is written in a new room can be encrypted: by the engine that is there, or will be in a moment. */
export function canEncrypt(client: Client): boolean {
  return client.encryption.$status.get().engine !== "failed";
}

/** The same room, encrypted from its first message on. */
function withEncryption(client: Client, room: NewRoom): NewRoom {
  return {
    ...room,
    initial_state: [...(room.initial_state ?? []), client.encryption.rooms.initialState()],
  };
}

/** Milliseconds for which one waits to know all rooms: where one is missing, there would be a second. */
export const ALL_ROOMS_MS = 60_000;

/**
 * The direct chat with someone: the one there is, or a new one, which is encrypted unless it is asked not to be. (Where encryption
 * does not work nothing can be written in it then, rather than openly.) Answers the room's id.
 */
export async function openDirect(
  client: Client,
  userId: string,
  encrypted = true,
): Promise<string> {
  await client.sync.hasAll(ALL_ROOMS_MS);
  const known = client.store.directWith(userId);
  if (known !== undefined) return known;
  const roomId = await createRoom(
    client,
    { visibility: "private", preset: "trusted_private_chat", invite: [userId], is_direct: true },
    encrypted,
  );
  await setDirect(client, roomId, userId);
  return roomId;
}

export async function createRoom(
  client: Client,
  room: NewRoom,
  encrypted: boolean,
): Promise<string> {
  return client.api.rooms.create(encrypted ? withEncryption(client, room) : room);
}

/** Accepts an invitation; one to a direct chat is noted as such. */
export async function acceptInvite(client: Client, room: Room): Promise<void> {
  const own = room.stateEvent("m.room.member", client.session.userId);
  const direct = own?.content["is_direct"] === true ? own.sender : undefined;
  const via = direct === undefined && own !== undefined ? own.sender : direct;
  await client.api.rooms.join(room.roomId, via === undefined ? [] : [serverOf(via)]);
  if (direct !== undefined) await setDirect(client, room.roomId, direct);
}

export function serverOf(id: string): string {
  return id.slice(id.indexOf(":") + 1);
}

/** Servers with the most members here, to give along with a link to the room. */
export function viaServers(room: Room): string[] {
  const counts = new Map<string, number>();
  for (const { userId } of room.members("join")) {
    const server = serverOf(userId);
    counts.set(server, (counts.get(server) ?? 0) + 1);
  }
  return [...counts]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([server]) => server);
}
