import { object, type Content } from "../api/types.ts";
import type { Entry } from "./entry.ts";
import { powerOf } from "./power.ts";
import { verdictOf, type PushContext } from "./push-rules.ts";
import type { Room } from "./room.ts";

/** How many messages a person has not read, and how many of them are for them in particular. */
export interface Unread {
  notifications: number;
  highlights: number;
}

/** What is unread in a room: in its own messages, and in its threads by their roots. */
export interface RoomUnread extends Unread {
  threads: ReadonlyMap<string, Unread>;
}

/**
 * What is unread in a room. Of an open room its server knows; of an encrypted one it sees that something was said, and not
 * what: there the person's rules are asked here, about each event that came after what they read. When that lies further back
 * than what is loaded, the server's number stands, and the highlights are those that are loaded.
 */
export function unreadIn(room: Room, me: string, rules: Content | undefined): RoomUnread {
  const { notificationCount: notifications, highlightCount: highlights, threadCounts } = room;
  if (room.encryption === undefined || rules === undefined) {
    return { notifications, highlights, threads: threadCounts };
  }
  const main = countIn(room, me, rules, { notifications, highlights });
  const roots = new Set(threadCounts.keys());
  const threads = [...roots].map((root) => {
    const counted = threadCounts.get(root) ?? { notifications: 0, highlights: 0 };
    return [root, countIn(room, me, rules, counted, root)] as const;
  });
  return { ...main, threads: new Map(threads) };
}

/** What is unread of a room's own messages, or of a thread, where its server counted so much. */
function countIn(room: Room, me: string, rules: Content, counted: Unread, thread?: string): Unread {
  const { entries } = room.timeline;
  const read = room.receipts.of(me, thread);
  const at = entries.findLastIndex(({ event }) => event.event_id === read?.eventId);
  const since = at < 0 ? read?.ts : undefined;
  const found = countOf(room, me, rules, { entries: entries.slice(at + 1), since, thread });
  if (at >= 0) return found;
  // The server's own count of highlights says nothing of what it could not read.
  const { notifications, highlights } = counted;
  return {
    notifications,
    highlights: Math.min(found.highlights, Math.max(notifications, highlights)),
  };
}

interface Uncounted {
  entries: readonly Entry[];
  /** Milliseconds: what is not later was read. */
  since: number | undefined;
  thread: string | undefined;
}

/** What the person's rules say of these events. */
function countOf(room: Room, me: string, rules: Content, { entries, since, thread }: Uncounted) {
  const found: Unread = { notifications: 0, highlights: 0 };
  for (const entry of entries) {
    const { event } = entry;
    if (entry.thread !== thread || event.sender === me) continue;
    if (event.unsigned?.redacted_because !== undefined) continue;
    if (since !== undefined && event.origin_server_ts <= since) continue;
    const seen = { ...event, room_id: room.roomId };
    const { notify, highlight } = verdictOf(rules, seen, contextOf(room, me, event.sender));
    if (notify) found.notifications++;
    if (notify && highlight) found.highlights++;
  }
  return found;
}

/**
 * Counts what is unread in a room whose server does not: of what is loaded, all that came after what the person read, or after they
 * came in.
 */
export function countHere(room: Room, me: string, rules: Content | undefined): void {
  if (rules === undefined) return;
  const { entries } = room.timeline;
  const own = room.stateEvent("m.room.member", me);
  const general = room.receipts.of(me);
  const count = (thread: string | undefined): Unread => {
    const read = room.receipts.of(me, thread) ?? general;
    const at = entries.findLastIndex(({ event }) => event.event_id === read?.eventId);
    const since = at >= 0 ? undefined : (read?.ts ?? own?.origin_server_ts);
    return countOf(room, me, rules, { entries: entries.slice(at + 1), since, thread });
  };
  const roots = new Set(entries.flatMap(({ thread }) => (thread === undefined ? [] : [thread])));
  const threads = [...roots].map((root) => [root, count(root)] as const);
  ({ notifications: room.notificationCount, highlights: room.highlightCount } = count(undefined));
  room.threadCounts = new Map(threads.filter(([, { notifications }]) => notifications > 0));
}

/** Threads count for a room as its own messages do. */
export function inAll({ notifications, highlights, threads }: RoomUnread): Unread {
  const all = { notifications, highlights };
  for (const thread of threads.values()) {
    all.notifications += thread.notifications;
    all.highlights += thread.highlights;
  }
  return all;
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
