import { object, type Content } from "../api/types.ts";
import { powerOf } from "./power.ts";
import { verdictOf, type PushContext } from "./push-rules.ts";
import type { Room } from "./room.ts";

/** How many messages a person has not read, and how many of them are for them in particular. */
export interface Unread {
  notifications: number;
  highlights: number;
}

/**
 * What is unread in a room. Of an open room its server knows; of an encrypted one it sees that something was said, and not
 * what: there the person's rules are asked here, about each event that came after what they read. When that lies further back
 * than what is loaded, the server's number stands, and the highlights are those that are loaded.
 */
export function unreadIn(room: Room, me: string, rules: Content | undefined): Unread {
  const { notificationCount: notifications, highlightCount: highlights } = room;
  if (room.encryption === undefined || rules === undefined) return { notifications, highlights };
  const { entries } = room.timeline;
  const read = room.receipts.of(me);
  const at = entries.findLastIndex(({ event }) => event.event_id === read?.eventId);
  const found: Unread = { notifications: 0, highlights: 0 };
  for (const { event } of entries.slice(at + 1)) {
    if (event.sender === me || event.unsigned?.redacted_because !== undefined) continue;
    const isOld = at < 0 && read !== undefined && event.origin_server_ts <= read.ts;
    if (isOld) continue;
    const seen = { ...event, room_id: room.roomId };
    const { notify, highlight } = verdictOf(rules, seen, contextOf(room, me, event.sender));
    if (notify) found.notifications++;
    if (notify && highlight) found.highlights++;
  }
  if (at >= 0) return found;
  // The server's own count of highlights says nothing of what it could not read.
  return {
    notifications,
    highlights: Math.min(found.highlights, Math.max(notifications, highlights)),
  };
}

function contextOf(room: Room, me: string, sender: string): PushContext {
  const levels = room.stateEvent("m.room.power_levels")?.content;
  return {
    displayName: room.member(me)?.displayName ?? "",
    memberCount: room.joinedCount ?? room.members("join").length,
    senderPowerLevel: powerOf(room, sender),
    notificationLevels: object(levels, "notifications"),
  };
}
